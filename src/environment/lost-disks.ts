import type { Backend, DiskDetails } from '../cpi/backend.ts';
import { formatBytes } from '../platform/amounts.ts';
import { cidsIn, readBoshState } from './bosh-state.ts';
import { isLost } from './ownership.ts';

/** Persistent disks that nobody has any more, as after the loss of bosh's state: their data is there for whoever asks. */
export async function lostDisks({ ground }: Pick<Backend, 'ground'>, name: string): Promise<DiskDetails[]> {
  const known = cidsIn(await readBoshState(name));
  const { vms, disks } = await ground.inventory();
  const used = vms.flatMap((vm) => vm.disks);
  if (disks.every((cid) => known.has(cid) || used.includes(cid))) return []; // without the longer look
  return (await ground.census()).disks.filter((disk) => isLost(disk, known));
}

/** What people are to know of such a disk, in lines. */
export function lostDiskWords(
  { cid, sizeBytes, bytesOnDisk }: Pick<DiskDetails, 'cid' | 'sizeBytes' | 'bytesOnDisk'>,
  environment: string,
): string {
  const size = `${formatBytes(sizeBytes)}, ${formatBytes(bytesOnDisk)} on disk`;
  return [
    `Disk ${cid} (${size}) is lost: no VM has it, and bosh’s state does not know it.`,
    `  → to have it back: boshvirt up ${environment} --adopt-disk ${cid}`,
    `  → to delete it: boshvirt prune ${environment} --disks`,
  ].join('\n');
}
