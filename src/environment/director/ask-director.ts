import { ToolError } from '../../platform/errors.ts';
import { askService } from '../cf/ask-service.ts';
import type { EnvironmentRecord } from '../record.ts';
import { roadTo } from '../session.ts';
import { directorAccess } from './access.ts';

/** What a director says of itself to everybody. */
export interface DirectorInfo {
  readonly name: string;
  readonly version: string;
}

/** Asks the director who it is; it answers so without a login. Throws a ToolError if it is silent, or says something else. */
export async function askDirector(record: EnvironmentRecord, signal: AbortSignal): Promise<DirectorInfo> {
  const { url, ca } = await directorAccess(record);
  const road = await roadTo(record);
  const { status, text } = await askService({ url, ca }, { method: 'GET', path: '/info' }, { road, signal });
  const info = status === 200 ? parse(text) : undefined;
  if (info) return info;
  throw new ToolError('DIRECTOR', `${url}/info answered ${status}: ${text.slice(0, 200)}`);
}

function parse(text: string): DirectorInfo | undefined {
  try {
    const { name, version } = JSON.parse(text) as Partial<DirectorInfo>;
    return name === undefined || version === undefined ? undefined : { name, version };
  } catch {
    return undefined; // a proxy's page, say
  }
}
