import { stat } from 'node:fs/promises';
import { readTextIfThere } from '../../platform/files.ts';
import { layout, privateHostNames } from './layout.ts';
import { startTimeOf } from './processes.ts';

/** A private host that runs. */
export interface PrivateHost {
  readonly dir: string;
  /** Its first process, which holds the namespaces; with it everything in them ends. */
  readonly pid: number;
  /** As `ip netns` lists it. */
  readonly netnsName: string;
  /** For `nsenter --net=`. */
  readonly netnsPath: string;
}

/** The private host in the absolute folder `dir`, or undefined if it does not run. Looks at /proc alone. */
export async function findPrivateHost(dir: string): Promise<PrivateHost | undefined> {
  const pid = await findHolder(dir);
  if (pid === undefined) return undefined;
  const host = privateHost(dir, pid);
  return (await isNamed(host)) ? host : undefined;
}

export function privateHost(dir: string, pid: number): PrivateHost {
  const { netnsName, netnsPath } = privateHostNames(dir);
  return { dir, pid, netnsName, netnsPath };
}

/** The living first process of the host in `dir`, even if someone took its network namespace's name away. */
export async function findHolder(dir: string): Promise<number | undefined> {
  const [pid = '', startTime = ''] = ((await readTextIfThere(layout(dir).holder)) ?? '').trim().split(' ');
  if (pid === '' || startTime === '') return undefined;
  return (await startTimeOf(Number(pid))) === startTime ? Number(pid) : undefined;
}

/** Whether the name leads to the namespace in which the process is: no other process with the same id can pass. */
async function isNamed({ pid, netnsPath }: PrivateHost): Promise<boolean> {
  const [named, own] = await Promise.all(
    [netnsPath, `/proc/${pid}/ns/net`].map((path) => stat(path).catch(() => undefined)),
  );
  return named !== undefined && own !== undefined && named.ino === own.ino && named.dev === own.dev;
}
