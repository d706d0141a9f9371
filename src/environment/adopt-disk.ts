import type { Backend, DiskDetails } from '../cpi/backend.ts';
import { StateFile } from '../engine/state-file.ts';
import { UserError } from '../platform/errors.ts';
import { environmentPaths } from './paths.ts';

const bytesPerMb = 2 ** 20;

/** Throws a UserError for a disk that is not there. */
export async function requireDisk(
  ground: Backend['ground'],
  name: string,
  cid: string,
): Promise<DiskDetails> {
  const disk = (await ground.census()).disks.find((each) => each.cid === cid);
  if (disk) return disk;
  throw new UserError('USAGE', `Environment '${name}' has no disk ${cid}`, {
    hints: [`boshvirt disks ${name} lists those that it has`],
  });
}

/**
 * Writes into bosh's state that the machine's persistent disk is this one, for the create-env that follows. The disk that it
 * had till then is lost from now on, and told of as such. Throws a UserError for a disk that is not there or in use.
 */
export async function adoptDisk(
  { ground }: Pick<Backend, 'ground'>,
  name: string,
  cid: string,
): Promise<void> {
  const disk = await requireDisk(ground, name, cid);
  const state = await StateFile.open(environmentPaths(name).state);
  const current = state.currentDisk;
  if (current?.cid === cid) return;
  if (disk.attachedTo !== undefined)
    throw new UserError('USAGE', `Disk ${cid} is attached to VM ${disk.attachedTo}`);
  const known = state.disks.find((each) => each.cid === cid);
  const size = Math.floor(disk.sizeBytes / bytesPerMb);
  const adopted =
    known ?? (await state.addDisk({ cid, size, cloud_properties: current?.cloud_properties ?? {} }));
  await state.change({ current_disk_id: adopted.id });
  if (current) await state.forgetDisk(current);
}
