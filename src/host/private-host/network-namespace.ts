import { access, stat } from 'node:fs/promises';
import { ToolError } from '../../platform/errors.ts';
import { run } from '../../platform/process.ts';

const timeoutMs = 30_000;

/**
 * Makes a fresh named network namespace. One of that name which a killed run or a reboot left is replaced. Throws a
 * ToolError where the machine lets nobody make one.
 */
export async function addNetns(name: string): Promise<void> {
  await deleteNetns(name);
  try {
    await run(['ip', 'netns', 'add', name], { timeoutMs });
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new ToolError('PERMISSION', error.message, {
      command: error.command,
      exitCode: error.exitCode,
      output: error.output,
      hints: [
        'root of a container may make network namespaces only if that was started with --privileged',
        'or name a libvirt elsewhere with --uri',
      ],
      cause: error,
    });
  }
}

/** Gives a name (again) to the network namespace of a process. */
export async function attachNetns(name: string, pid: number): Promise<void> {
  await run(['ip', 'netns', 'attach', name, String(pid)], { timeoutMs });
}

/** Takes the name away; the namespace itself goes with the last process in it. Idempotent. */
export async function deleteNetns(name: string): Promise<void> {
  if (await isThere(`/run/netns/${name}`)) await run(['ip', 'netns', 'delete', name], { timeoutMs });
}

/** An argv that runs in a network namespace. Not `ip netns exec`, which hides the CPI's mounts (real-bosh/README.md 2). */
export function insideNetns(netnsPath: string, argv: readonly string[]): string[] {
  return ['nsenter', `--net=${netnsPath}`, ...argv];
}

/** Whether a process, this one unless said, is in that network namespace. Of one that is gone: false. */
export async function isInsideNetns(netnsPath: string, pid: number | 'self' = 'self'): Promise<boolean> {
  const [own, other] = await Promise.all(
    [`/proc/${pid}/ns/net`, netnsPath].map((path) => stat(path).catch(() => undefined)),
  );
  return own !== undefined && own.ino === other?.ino && own.dev === other.dev;
}

export async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
