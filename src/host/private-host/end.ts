import { rm } from 'node:fs/promises';
import { ToolError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { waitFor } from '../../platform/retry.ts';
import { removeCgroups } from './cgroups.ts';
import { releaseDevices } from './devices.ts';
import { findHolder } from './find.ts';
import { layout, privateHostNames } from './layout.ts';
import { deleteNetns } from './network-namespace.ts';
import { holdersOf, signalProcess, startTimeOf } from './processes.ts';

const politeMs = 5_000;
const hardMs = 10_000;

/**
 * Ends whatever holds the host in `dir` and, by the kernel's hand, everything in its namespaces, and takes away what it has
 * outside of them: the name of its network namespace, control groups, loop devices. Idempotent; also clears what a killed
 * start left. The folder's contents stay.
 */
export async function endHost(dir: string, log: Log): Promise<void> {
  const holder = await findHolder(dir);
  if (holder !== undefined) await endPolitely(holder);
  await endHard(dir);
  const { netnsName, cgroup } = privateHostNames(dir);
  await deleteNetns(netnsName);
  await removeCgroups(cgroup, log);
  await releaseDevices(dir);
  await rm(layout(dir).holder, { force: true });
}

/** Lets the first process end libvirtd before it ends itself. */
async function endPolitely(pid: number): Promise<void> {
  const startTime = await startTimeOf(pid);
  signalProcess(pid, 'SIGTERM');
  await waitFor(async () => ((await startTimeOf(pid)) === startTime ? undefined : true), {
    timeoutMs: politeMs,
    intervalMs: 20,
  });
}

async function endHard(dir: string): Promise<void> {
  const gone = await waitFor(
    async () => {
      const left = await holdersOf(dir);
      for (const pid of left) signalProcess(pid, 'SIGKILL');
      return left.length === 0 ? true : undefined;
    },
    { timeoutMs: hardMs, intervalMs: 20 },
  );
  if (gone) return;
  throw new ToolError(
    'HYPERVISOR',
    `The processes ${(await holdersOf(dir)).join(' ')}, which hold the private libvirt host in ${dir}, cannot be ended`,
    { hints: ['a guest’s disk may hang; look for processes in state D with: ps -eo pid,stat,args'] },
  );
}
