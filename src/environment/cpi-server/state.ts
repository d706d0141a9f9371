import { isInsideNetns } from '../../host/private-host/index.ts';
import { messageOf } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';
import { hostRuns, networkNamespaceOf } from '../session.ts';
import { askCpiServer, OtherCertificates } from './ask.ts';
import { cpiCertificates, expiryOf } from './certificates.ts';
import { cpiServerUrl, serveOptions } from './serve-options.ts';
import { serverProcess } from './server-process.ts';

/** How an environment's CPI server is. */
export interface CpiServerState {
  /**
   * running: it answers a director. outdated: it answers, but was started with other credentials, another record or another
   * boshvirt. silent: its process is there and does not answer. down: there is none.
   */
  readonly state: 'running' | 'outdated' | 'silent' | 'down';
  readonly url: string;
  readonly pid: number | undefined;
  /** What there is to say about it. */
  readonly detail: string | undefined;
}

const dayMs = 24 * 3600_000;
const soonDays = 30;

/** Asks the server itself, with the client's certificate. Throws only what the signal says. */
export async function cpiServerState(
  record: EnvironmentRecord,
  signal?: AbortSignal,
): Promise<CpiServerState> {
  const url = cpiServerUrl(record);
  const pid = await serverProcess(record.name);
  if (pid === undefined) return { state: 'down', url, pid, detail: `boshvirt up ${record.name} starts it` };
  if (await isElsewhere(record, pid))
    return { state: 'outdated', url, pid, detail: 'the private libvirt host was started anew since' };
  try {
    const [word, wanted] = [await askCpiServer(record, signal), await serveOptions(record)];
    if (word.identity === wanted.identity)
      return { state: 'running', url, pid, detail: await expiryWord(record.name) };
    return { state: 'outdated', url, pid, detail: `boshvirt up ${record.name} starts it anew` };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof OtherCertificates) return { state: 'outdated', url, pid, detail: error.message };
    return { state: 'silent', url, pid, detail: messageOf(error) };
  }
}

/** In the network namespace of a private host that is gone nobody comes by. */
async function isElsewhere(record: EnvironmentRecord, pid: number): Promise<boolean> {
  const netns = networkNamespaceOf(record);
  return netns !== undefined && (await hostRuns(record)) && !(await isInsideNetns(netns, pid));
}

/** Once a certificate has run out, director and server do not speak any more. */
async function expiryWord(name: string): Promise<string | undefined> {
  const both = [await cpiCertificates(name, 'server'), await cpiCertificates(name, 'client')];
  const first = Math.min(...both.map((side) => expiryOf(side).getTime()));
  const days = Math.floor((first - Date.now()) / dayMs);
  if (days >= soonDays) return undefined;
  return `its certificates run out in ${days} days: delete boshvirt_cpi_* from creds.yml, then boshvirt up ${name}`;
}
