import { readFile, rm } from 'node:fs/promises';
import { connectLibvirt } from '../../clients/libvirt/index.ts';
import { errnoOf, ToolError } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { waitFor } from '../../platform/retry.ts';
import { findPrivateHost, type PrivateHost, startTimeOf } from './find.ts';
import { layout } from './layout.ts';

const politeMs = 15_000;
const hardMs = 10_000;

/** Stops guests and daemons; all definitions and disks stay for the next start. */
export async function stopPrivateHost(dir: string): Promise<void> {
  await using _lock = await takeLock(layout(dir).lock, 120_000, 'stopping the private libvirt host');
  await stop(dir);
}

/** Stops the host and deletes its folder; nothing of it is left. Idempotent. */
export async function removePrivateHost(dir: string): Promise<void> {
  {
    await using _lock = await takeLock(layout(dir).lock, 120_000, 'removing the private libvirt host');
    await stop(dir);
    await rm(dir, { recursive: true, force: true });
  }
  await rm(layout(dir).lock, { force: true });
}

async function stop(dir: string): Promise<void> {
  const host = await findPrivateHost(dir);
  if (host) {
    await stopGuests(host).catch(() => {}); // a libvirtd that hangs must not keep us: the kernel ends the guests below
    await endHolder(host.pid);
  }
  await rm(layout(dir).holder, { force: true });
}

/** Powers the guests off, so that QEMU writes what it holds. */
async function stopGuests(host: PrivateHost): Promise<void> {
  await using libvirt = await connectLibvirt(host.uri, { connectTimeoutMs: 5_000, callTimeoutMs: 20_000 });
  for (const domain of await libvirt.listDomains()) if (await domain.isActive()) await domain.destroy();
}

/** Ends the process that holds the namespaces and, by the kernel's hand, everything in them. */
export async function endHolder(pid: number): Promise<void> {
  const startTime = await startTimeOf(pid);
  if (startTime === undefined) return;
  const gone = async () => ((await startTimeOf(pid)) === startTime ? undefined : true);
  // its child is pid 1 of the namespace: unshare waits for it and ends after it
  for (const child of await childrenOf(pid)) signal(child, 'SIGTERM');
  if (await waitFor(gone, { timeoutMs: politeMs, intervalMs: 20 })) return;
  signal(pid, 'SIGKILL');
  if (await waitFor(gone, { timeoutMs: hardMs, intervalMs: 20 })) return;
  throw new ToolError('HYPERVISOR', `Process ${pid}, which holds the private libvirt host, cannot be ended`);
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
