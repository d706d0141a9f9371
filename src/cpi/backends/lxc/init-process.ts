import { readdir, readFile } from 'node:fs/promises';

/** By number; systemd counts real-time signals from libc's first one, 34, on: SIGRTMIN+4 is its power button. */
const signals = { SIGHUP: 1, SIGUSR2: 12, SIGTERM: 15, powerOffOfSystemd: 34 + 4 } as const;

/**
 * The signal by which a container's first process is asked to shut down: systemd and busybox have one of their own, and
 * runsvdir lets its services end only for SIGHUP.
 */
export function shutdownSignal(command: string | undefined): number {
  if (command === 'systemd') return signals.powerOffOfSystemd;
  if (command === 'runsvdir') return signals.SIGHUP;
  if (command === 'init' || command === 'busybox') return signals.SIGUSR2;
  return signals.SIGTERM;
}

/** The name of the program that a container's first process runs; undefined if it cannot be seen from here. */
export async function initCommandOf(vm: string): Promise<string | undefined> {
  const controller = await controllerOf(vm);
  if (controller === undefined) return undefined;
  const [init] = (await told(controller, `task/${controller}/children`)).split(' ');
  return init ? (await told(init, 'comm')).trim() || undefined : undefined;
}

/** libvirt's program that keeps a container has the container's name among its arguments, and its init as its one child. */
async function controllerOf(vm: string): Promise<string | undefined> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => told(pid, 'cmdline')));
  const at = lines.findIndex((line) => line.includes('libvirt_lxc\0') && line.includes(`\0--name\0${vm}\0`));
  return at < 0 ? undefined : pids[at];
}

/** What /proc says of a process; '' of one that went away meanwhile. */
async function told(pid: string, file: string): Promise<string> {
  return await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
}
