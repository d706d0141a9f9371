import { type Domain, LibvirtError, libvirtErrors, type Volume } from '../../../clients/libvirt/index.ts';
import { ToolError } from '../../../platform/errors.ts';
import { waitFor } from '../../../platform/retry.ts';
import { fillTemplate } from '../../../platform/template.ts';
import type { DiskCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { refreshPool, requireFreeBytes } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { lockInPool } from '../../on-libvirt/locks.ts';
import { deleteVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import { userOfDisk } from './disk-users.ts';
import { disksIn } from './domain-disks.ts';

/** A snapshot of the environment may be under way in the same VM. Less than what `prune` takes for abandoned (platform/young.ts). */
const turnTimeoutMs = 8 * 60_000;
/** libvirt's number of that reason (virDomainPausedReason). */
const pausedByIoError = 5;
/** A VM may start or stop once or twice while its disk is copied, not again and again. */
const mostTries = 3;

/**
 * Copies a disk as it is at one moment into a new volume of this name, without the environment snapshots in it. Holds the
 * disk's lock for that long. A VM that starts or stops meanwhile makes it begin anew.
 */
export async function copyDisk(
  host: LibvirtHost,
  disk: DiskCid,
  source: Volume,
  name: string,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const domain = await runningUserOf(host, disk);
    try {
      if (domain) await copyOfRunning(host, domain, source, name);
      else await copyAtRest(host, source, name);
      return;
    } catch (error) {
      if (tries === mostTries || (await runningUserOf(host, disk))?.uuid === domain?.uuid) throw error;
      host.log.info(`disk ${disk} changed hands while it was copied: once more`);
      await deleteVolume(await host.pool(), name);
    }
  }
}

async function runningUserOf(host: LibvirtHost, disk: DiskCid): Promise<Domain | undefined> {
  const user = await userOfDisk(host, disk);
  return user?.live ? user.domain : undefined;
}

/** QEMU's lock on the image keeps a VM from starting with it meanwhile. */
async function copyAtRest(host: LibvirtHost, source: Volume, name: string): Promise<void> {
  const { capacityBytes, allocationBytes } = await source.info();
  await requireFreeBytes(host, allocationBytes, 'The copy');
  const pool = await host.pool();
  await pool.cloneVolume(volumeXml({ name, capacityBytes, format: 'qcow2', mode: '0600' }), source);
}

/**
 * A backup job of the running machine: what the guest writes while it runs goes into the copy as it was before. A machine has
 * one such job at a time.
 */
async function copyOfRunning(host: LibvirtHost, domain: Domain, source: Volume, name: string): Promise<void> {
  await using _lock = await lockInPool(host, domain.name, 'snapshot_disk');
  const [path, pool] = await Promise.all([source.path(), host.pool()]);
  const { capacityBytes, allocationBytes } = await domain.blockInfo(path);
  // what libvirt thinks is free may be old news, and QEMU 7.2 crashes now and then when a copy runs out of space
  await refreshPool(pool);
  await requireFreeBytes(host, allocationBytes, 'The copy');
  const [target, copy] = await Promise.all([
    targetOf(domain, path),
    pool.createVolume(volumeXml({ name, capacityBytes, format: 'qcow2', mode: '0600' })),
  ]);
  await backUp(host, domain, fillTemplate('qemu/backup.xml', { target, path: await copy.path() }));
  await domain.blockInfo(path); // answered once QEMU has closed the copy (docs/libvirt-client.md)
}

/** Begins a backup and waits for its end. Our lock keeps its event from being taken for another one's. */
async function backUp(host: LibvirtHost, domain: Domain, xml: string): Promise<void> {
  using events = await host.libvirt.events('job-completed');
  const stoodStill = await standsStill(domain);
  await whenItIsOurTurn(() => domain.beginBackup(xml, { reuseTargets: true }));
  for await (const event of events) {
    if (event.kind !== 'job-completed' || event.domainUuid !== domain.uuid) continue;
    if (event.succeeded) return;
    if (!stoodStill && (await standsStill(domain))) await domain.resume();
    throw copyFailed(domain.name, event.message);
  }
}

/**
 * The machine has stopped by itself because it could not write. Where there is no space for the copy that is what a guest's
 * write may come to, since what it would overwrite cannot be put aside; the write is done when the machine goes on.
 */
async function standsStill(domain: Domain): Promise<boolean> {
  const { state, reason } = await domain.state();
  return state === 'paused' && reason === pausedByIoError;
}

async function targetOf(domain: Domain, path: string): Promise<string> {
  const target = disksIn(await domain.xml()).find((disk) => disk.path === path)?.target;
  if (target !== undefined) return target;
  throw new ToolError('HYPERVISOR', `VM ${domain.name} has let go of ${path} meanwhile`);
}

/** libvirt waits half a minute for another job of the machine and then gives up. */
async function whenItIsOurTurn(begin: () => Promise<void>): Promise<void> {
  const begun = await waitFor(
    async () => {
      try {
        await begin();
        return true;
      } catch (error) {
        if (error instanceof LibvirtError && error.is(libvirtErrors.OPERATION_TIMEOUT)) return undefined;
        throw error;
      }
    },
    { timeoutMs: turnTimeoutMs },
  );
  if (!begun) await begin(); // throws what keeps it
}

function copyFailed(vm: string, why = 'the VM stopped'): Error {
  const message = `VM ${vm} could not copy it: ${why}`;
  if (!/No space left on device/.test(why)) return new ToolError('HYPERVISOR', message);
  return new CloudError('NoDiskSpace', message, {
    hints: ['free space in the storage pool, or use a larger one'],
  });
}
