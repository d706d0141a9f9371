import { type Domain, LibvirtError, libvirtErrors } from '../../../clients/libvirt/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import { waitFor } from '../../../platform/retry.ts';
import type { DiskCid, DiskHint, VmCid } from '../../backend.ts';
import { CloudError, diskNotAttached, diskNotFound } from '../../errors.ts';
import { readDiskClaim, writeDiskClaim } from '../../on-libvirt/disk-claims.ts';
import { findDisk, lockDisk } from '../../on-libvirt/disks.ts';
import { powerState } from '../../on-libvirt/domains.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { busOf, diskHint } from './disk-targets.ts';
import { userOfDisk } from './disk-users.ts';
import { type DomainDisk, freeTarget, persistentDisks } from './domain-disks.ts';
import { diskXml } from './domain-xml.ts';
import { diskVolume } from './volume-names.ts';

/** A guest that is busy takes its time. */
const detachTimeoutMs = 30_000;
/** One that boots loses what it is asked, and nobody repeats it but us. */
const askAgainMs = 1_000;

/** Others that plug in at the same time may take the name that we chose; one of all that try gets it each time. */
const mostTries = 50;

/** Plugs a persistent disk in, now and for later starts, and believes only what the domain's XML then shows. */
export async function attachDisk(host: LibvirtHost, domain: Domain, disk: DiskCid): Promise<DiskHint> {
  await using _lock = await lockDisk(host, disk, 'attach_disk');
  const [volume, before] = await Promise.all([findDisk(host, { diskVolume }, disk), persistentDisks(domain)]);
  if (!volume) throw diskNotFound(disk);
  const target = targetOf(before, disk);
  if (target !== undefined && !isMissing(missingIn(before, disk))) return diskHint(busOf(target), disk);
  if (before.live === undefined) await refuseAsleep(domain, disk);
  const [path, claim] = await Promise.all([
    volume.path(),
    readDiskClaim(host, disk),
    refuseOtherUser(host, domain, disk),
  ]);
  if (claim !== domain.name) await writeDiskClaim(host, disk, domain.name as VmCid);
  await plugIn(domain, disk, path, before);
  return diskHint(busOf(await requireAttached(domain, disk)), disk);
}

async function refuseOtherUser(host: LibvirtHost, domain: Domain, disk: DiskCid): Promise<void> {
  const user = (await userOfDisk(host, disk))?.domain.name;
  if (user === undefined || user === domain.name) return;
  throw new CloudError('CloudError', `Disk '${disk}' is attached to VM '${user}'; detach it there first`);
}

async function plugIn(domain: Domain, disk: DiskCid, path: string, first: Attached): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const before = tries === 1 ? first : await persistentDisks(domain);
    const target = targetOf(before, disk) ?? (await unusedTarget(domain));
    try {
      await domain.attachDevice(diskXml({ path, target, serial: disk }), missingIn(before, disk));
      return;
    } catch (error) {
      if (!isTargetTaken(error) || tries === mostTries)
        throw withPortHint(error, `Attaching disk ${disk} to VM ${domain.name}`);
    }
  }
}

const isTargetTaken = (error: unknown): boolean =>
  error instanceof LibvirtError &&
  /target '?\w+'? (already exists|duplicated)|already contains a disk with that address/.test(error.message);

/** Unplugs a disk and returns when the guest has let go of it: libvirt alone may say so too early (host.md 1). */
export async function detachDisk(host: LibvirtHost, domain: Domain, disk: DiskCid): Promise<void> {
  await using _lock = await lockDisk(host, disk, 'detach_disk');
  await refusePaused(domain, disk);
  if (!(await askForRemoval(domain, disk))) {
    if (!(await findDisk(host, { diskVolume }, disk))) throw diskNotFound(disk);
    throw diskNotAttached(domain.name, disk);
  }
  const end = performance.now() + detachTimeoutMs;
  const gone = async () => (await isGone(domain, disk)) || undefined;
  while (!(await waitFor(gone, { timeoutMs: askAgainMs, intervalMs: 50 }))) {
    if (performance.now() > end) throw heldOn(domain, disk);
    await askForRemoval(domain, disk);
  }
}

/** Said before anything is asked: else the definition would lose the disk, and the machine keep it. */
async function refusePaused(domain: Domain, disk: DiskCid): Promise<void> {
  if ((await domain.state()).state !== 'paused') return;
  const { live } = await persistentDisks(domain);
  if (!named(live ?? [], disk)) return;
  throw new CloudError('CloudError', `VM '${domain.name}' is paused and cannot let go of disk '${disk}'`, {
    hints: [
      `virsh resume ${domain.name}; a VM that pauses by itself has met an I/O error, as on a full disk`,
    ],
  });
}

/** A VM that was put to sleep goes on with the disks that it had then, whatever its definition says by now. */
async function refuseAsleep(domain: Domain, disk: DiskCid): Promise<void> {
  if ((await powerState(domain)) !== 'suspended') return;
  throw new CloudError(
    'CloudError',
    `VM '${domain.name}' sleeps, and can neither take nor let go of disk '${disk}'`,
    {
      hints: [
        'boshvirt resume wakes its environment',
        `or let it start anew, as after a loss of power: virsh managedsave-remove ${domain.name}`,
      ],
    },
  );
}

/** Asks for the removal of a disk wherever the domain has it; false if that is nowhere. */
async function askForRemoval(domain: Domain, disk: DiskCid): Promise<boolean> {
  const attached = await persistentDisks(domain);
  const [live, config] = [named(attached.live ?? [], disk), named(attached.config, disk)];
  const known = live ?? config;
  if (!known) return false;
  if (attached.live === undefined) await refuseAsleep(domain, disk);
  const xml = diskXml({ path: known.path, target: known.target, serial: disk });
  try {
    await domain.detachDevice(xml, { live: live !== undefined, config: config !== undefined });
  } catch (error) {
    if (!isOnItsWay(error)) throw cloudErrorFrom(error, `Detaching disk ${disk} from VM ${domain.name}`);
  }
  return true;
}

/** It went while we asked, or QEMU remembers an earlier request. */
const isOnItsWay = (error: unknown): boolean =>
  error instanceof LibvirtError &&
  (error.is(libvirtErrors.DEVICE_MISSING) || /already in the process of unplug/.test(error.message));

function heldOn(domain: Domain, disk: DiskCid): CloudError {
  const seconds = detachTimeoutMs / 1000;
  return new CloudError(
    'CloudError',
    `VM '${domain.name}' did not let go of disk '${disk}' within ${seconds} s`,
    { hints: ['the guest may hang: look at its console, then detach again'] },
  );
}

type Attached = Awaited<ReturnType<typeof persistentDisks>>;
const named = (disks: readonly DomainDisk[], cid: string) => disks.find((disk) => disk.diskCid === cid);

/** Where the disk still has to be added. */
function missingIn({ live, config }: Attached, cid: string): { live: boolean; config: boolean } {
  return { live: live !== undefined && !named(live, cid), config: !named(config, cid) };
}

const isMissing = ({ live, config }: { live: boolean; config: boolean }) => live || config;

const targetOf = ({ live, config }: Attached, cid: string) =>
  (named(live ?? [], cid) ?? named(config, cid))?.target;

async function unusedTarget(domain: Domain): Promise<string> {
  return freeTarget(await Promise.all([domain.xml(), domain.xml({ inactive: true })]));
}

async function isGone(domain: Domain, disk: string): Promise<boolean> {
  const { live, config } = await persistentDisks(domain);
  return !named(live ?? [], disk) && !named(config, disk);
}

/** Gives the name that it has there. */
async function requireAttached(domain: Domain, disk: string): Promise<string> {
  const after = await persistentDisks(domain);
  const target = targetOf(after, disk);
  if (target !== undefined && !isMissing(missingIn(after, disk))) return target;
  throw new CloudError(
    'CloudError',
    `libvirt took disk '${disk}' for VM '${domain.name}' but the VM's XML does not show it`,
  );
}

function withPortHint(error: unknown, what: string): CloudError {
  const full = /No more available PCI slots/.test(messageOf(error));
  const hints = full
    ? ['the VM has no free PCI slot for a further disk: detach one, or recreate the VM']
    : [];
  return full
    ? new CloudError('CloudError', `${what}: ${messageOf(error)}`, { cause: error, hints })
    : cloudErrorFrom(error, what);
}
