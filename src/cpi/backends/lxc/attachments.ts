import type { Domain } from '../../../clients/libvirt/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import { waitFor } from '../../../platform/retry.ts';
import { Undo } from '../../../platform/undo.ts';
import type { DiskCid, DiskHint, VmCid } from '../../backend.ts';
import { CloudError, diskNotAttached, diskNotFound } from '../../errors.ts';
import { readDiskClaim, writeDiskClaim } from '../../on-libvirt/disk-claims.ts';
import { findDisk, lockDisk } from '../../on-libvirt/disks.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { userOfDisk } from './disk-users.ts';
import { type DomainDisk, diskXml, freeTarget, persistentDisks } from './domain-disks.ts';
import { closeLoopDevice, isIdle, loopDeviceOf, openLoopDevice } from './loop-devices.ts';
import { diskVolume } from './volume-names.ts';

const settleMs = 5_000;

/**
 * Gives a persistent disk to a container, running or not, now and for later starts: its file becomes a loop device, which
 * libvirt makes known in the container's /dev. Nothing is made anew. Believes only what the domain's XML then shows.
 */
export async function attachDisk(host: LibvirtHost, domain: Domain, disk: DiskCid): Promise<DiskHint> {
  await using _lock = await lockDisk(host, disk, 'attach_disk');
  const volume = await findDisk(host, { diskVolume }, disk);
  if (!volume) throw diskNotFound(disk);
  const before = await persistentDisks(domain);
  const missing = missingIn(before, disk);
  const target = targetOf(before, disk) ?? (await unusedTarget(domain));
  if (missing.live || missing.config) {
    const [path, claim] = await Promise.all([
      volume.path(),
      readDiskClaim(host, disk),
      refuseOtherUser(host, domain, disk),
    ]);
    const file = { name: disk, path };
    if (claim !== domain.name) await writeDiskClaim(host, disk, domain.name as VmCid);
    await using undo = new Undo(host.log);
    undo.defer(`free the device of disk ${disk}`, () => closeLoopDevice(file));
    try {
      await openLoopDevice(file);
      await plugIn(domain, { cid: disk, target });
    } catch (error) {
      throw cloudErrorFrom(error, `Attaching disk ${disk} to VM ${domain.name}`);
    }
    await requireAttached(domain, disk);
    undo.keep();
  }
  return { path: `/dev/${target}` };
}

/**
 * Takes a disk from a container. One whose file system is still mounted there is left: the container would go on writing to
 * it, whatever libvirt's definition says, while another one gets it.
 */
export async function detachDisk(host: LibvirtHost, domain: Domain, disk: DiskCid): Promise<void> {
  await using _lock = await lockDisk(host, disk, 'detach_disk');
  const file = { name: disk, path: `${await host.poolPath()}/${diskVolume(disk)}` };
  const attached = await persistentDisks(domain);
  const [live, config] = [named(attached.live ?? [], disk), named(attached.config, disk)];
  const known = live ?? config;
  if (!known) {
    if (!(await findDisk(host, { diskVolume }, disk))) throw diskNotFound(disk);
    throw diskNotAttached(domain.name, disk);
  }
  const device = await loopDeviceOf(file);
  if (device !== undefined && !(await isIdle(device))) throw stillMounted(domain, disk);
  try {
    await domain.detachDevice(diskXml(known), { live: live !== undefined, config: config !== undefined });
  } catch (error) {
    throw cloudErrorFrom(error, `Detaching disk ${disk} from VM ${domain.name}`);
  }
  if (!(await closeLoopDevice(file))) throw stillMounted(domain, disk);
  await requireDetached(domain, disk);
}

/** Makes the devices that a stopped container's disks need. Idempotent. */
export async function openDisksOf(host: LibvirtHost, domain: Domain): Promise<void> {
  for (const { cid } of (await persistentDisks(domain)).config) {
    await using _lock = await lockDisk(host, cid, 'start');
    const volume = await findDisk(host, { diskVolume }, cid);
    if (!volume) throw diskNotFound(cid);
    await openLoopDevice({ name: cid, path: await volume.path() });
  }
}

/** Frees the devices of a stopped container's disks. */
export async function closeDisksOf(host: LibvirtHost, domain: Domain): Promise<void> {
  const folder = await host.poolPath();
  for (const { cid } of (await persistentDisks(domain)).config) {
    await using _lock = await lockDisk(host, cid, 'delete_vm');
    if (await closeLoopDevice({ name: cid, path: `${folder}/${diskVolume(cid)}` })) continue;
    throw new CloudError(
      'CloudError',
      `VM '${domain.name}' is stopped, and something still uses disk '${cid}'`,
      {
        hints: ['losetup -a tells its device, and grep DEVICE /proc/*/mountinfo what has that mounted'],
      },
    );
  }
}

async function refuseOtherUser(host: LibvirtHost, domain: Domain, disk: DiskCid): Promise<void> {
  const user = await userOfDisk(host, disk);
  if (!user || user.domain.name === domain.name) return;
  throw new CloudError(
    'CloudError',
    `Disk '${disk}' is attached to VM '${user.domain.name}'; detach it there first`,
  );
}

const stillMounted = (domain: Domain, disk: DiskCid): CloudError =>
  new CloudError('CloudError', `VM '${domain.name}' has disk '${disk}' still mounted`, {
    hints: ['unmount it in the VM, as its agent does, then detach again; deleting the VM frees the disk too'],
  });

/** A container that has just been started, or is just going, counts as running and has no first process yet, or no more. */
async function plugIn(domain: Domain, disk: DomainDisk): Promise<void> {
  const plugged = async () => {
    const missing = missingIn(await persistentDisks(domain), disk.cid);
    try {
      await domain.attachDevice(diskXml(disk), missing);
      return true;
    } catch (error) {
      if (/until init PID is known/.test(messageOf(error))) return undefined;
      throw error;
    }
  };
  if (await waitFor(plugged, { timeoutMs: settleMs, intervalMs: 20 })) return;
  await domain.attachDevice(diskXml(disk), missingIn(await persistentDisks(domain), disk.cid)); // throws what keeps it
}

type Attached = Awaited<ReturnType<typeof persistentDisks>>;
const named = (disks: readonly DomainDisk[], cid: DiskCid) => disks.find((disk) => disk.cid === cid);

/** Where the disk still has to be added. */
function missingIn({ live, config }: Attached, cid: DiskCid): { live: boolean; config: boolean } {
  return { live: live !== undefined && !named(live, cid), config: !named(config, cid) };
}

const targetOf = ({ live, config }: Attached, cid: DiskCid) =>
  (named(live ?? [], cid) ?? named(config, cid))?.target;

async function unusedTarget(domain: Domain): Promise<string> {
  return freeTarget(await Promise.all([domain.xml(), domain.xml({ inactive: true })]));
}

async function requireAttached(domain: Domain, disk: DiskCid): Promise<void> {
  const missing = missingIn(await persistentDisks(domain), disk);
  if (!missing.live && !missing.config) return;
  throw new CloudError(
    'CloudError',
    `libvirt took disk '${disk}' for VM '${domain.name}' but the VM's XML does not show it`,
  );
}

async function requireDetached(domain: Domain, disk: DiskCid): Promise<void> {
  const { live, config } = await persistentDisks(domain);
  if (!named(live ?? [], disk) && !named(config, disk)) return;
  throw new CloudError(
    'CloudError',
    `libvirt took disk '${disk}' from VM '${domain.name}' but the VM's XML still shows it`,
  );
}
