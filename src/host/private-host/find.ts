import { readFile } from 'node:fs/promises';
import { readTextIfThere } from '../../platform/files.ts';
import { layout } from './layout.ts';

/** A private host that runs. */
export interface PrivateHost {
  readonly dir: string;
  /** The process that holds the namespaces; with it everything in them ends. */
  readonly pid: number;
  /** For `nsenter --net=`. */
  readonly netnsPath: string;
  readonly uri: string;
}

/** The private host in this folder, or undefined if it does not run. Looks at /proc alone. */
export async function findPrivateHost(dir: string): Promise<PrivateHost | undefined> {
  const holder = await readTextIfThere(layout(dir).holder);
  const [pid = '', startTime] = holder?.trim().split(' ') ?? [];
  if (pid === '' || (await startTimeOf(Number(pid))) !== startTime) return undefined;
  return hostOf(dir, Number(pid));
}

export function hostOf(dir: string, pid: number): PrivateHost {
  return { dir, pid, netnsPath: `/proc/${pid}/ns/net`, uri: `qemu:///system?socket=${layout(dir).socket}` };
}

/**
 * When a process started, in clock ticks since boot: tells it from a later one with the same id. undefined for a process
 * that is gone or a zombie.
 */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name in parentheses may hold spaces
  return fields[0] === 'Z' ? undefined : fields[19];
}
