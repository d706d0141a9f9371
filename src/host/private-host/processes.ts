import { readdir, readFile, stat } from 'node:fs/promises';
import { errnoOf } from '../../platform/errors.ts';

/**
 * When a process started, in clock ticks since boot: tells it from a later one with the same id. undefined for a process
 * that is gone or a zombie.
 */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name in parentheses may hold spaces
  return fields[0] === 'Z' ? undefined : fields[19];
}

/**
 * The processes that hold the private host in `dir`, found by their command line: also those of a start that was killed
 * before anything was written down. Ending them ends everything in the host's namespaces.
 */
export async function holdersOf(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const holds = await Promise.all(
    pids.map(async (pid) => {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const at = words.findIndex((word) => word.endsWith('/private-host-init'));
      return at >= 0 && words[at + 1] === dir && (await seesOurFiles(pid));
    }),
  );
  return pids.filter((_, at) => holds[at]);
}

/** false for a process in a container: a folder of the same name is another one there. */
async function seesOurFiles(pid: number): Promise<boolean> {
  const [theirs, ours] = await Promise.all(
    [`/proc/${pid}/root`, '/'].map((path) => stat(path).catch(() => undefined)),
  );
  return theirs?.dev === ours?.dev && theirs?.ino === ours?.ino;
}

/** The children of a process that run the program `name`. */
export async function childrenNamed(pid: number, name: string): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.trim().split(' ').filter(Boolean).map(Number);
  const names = await Promise.all(
    children.map((child) => readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')),
  );
  return children.filter((_, at) => names[at]?.trim() === name);
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
