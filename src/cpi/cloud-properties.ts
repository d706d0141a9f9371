import * as z from 'zod/mini';
import type { Log } from '../platform/log.ts';
import { CloudError } from './errors.ts';

/** Reads cloud properties or a part of the configuration. Throws a CloudError that names each wrong key below `where`. */
export function parseProperties<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    (issue) => `${[where, ...issue.path.map(String)].join('.')}: ${issue.message}`,
  );
  throw new CloudError('CloudError', issues.join('; '));
}

/** Cloud properties that one backend knows and another does not must not stop a deployment. */
export function warnOfUnknown(
  what: string,
  properties: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  log: Log,
): void {
  const unknown = Object.keys(properties).filter((key) => !known.has(key));
  if (unknown.length > 0)
    log.warn(`${what} cloud_properties that this backend does not know are ignored: ${unknown.join(', ')}`);
}
