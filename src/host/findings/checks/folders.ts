import { stat } from 'node:fs/promises';
import { errnoOf } from '../../../platform/errors.ts';
import { type Check, ok, type Verdict, warn } from '../../../platform/finding.ts';
import { commandLine } from '../../../platform/process.ts';
import { freeSpace } from '../space.ts';

const wantedMb = 4096;

async function lookAtSpace(folder: string): Promise<Verdict> {
  const { place, freeMb } = await freeSpace(folder);
  const detail = `${freeMb} MiB free in ${place}`;
  return freeMb >= wantedMb
    ? ok(detail)
    : warn(detail, 'free some, or set XDG_DATA_HOME to a larger file system');
}

async function lookAtSecrets(folder: string): Promise<Verdict> {
  const found = await statIfThere(folder);
  if (!found) return ok(`${folder} is not there yet`);
  const mode = found.mode & 0o777;
  if (found.uid !== process.geteuid?.()) {
    const detail = `${folder} belongs to the user with the id ${found.uid}`;
    return warn(detail, 'run boshvirt as that user, or set XDG_DATA_HOME to a folder of your own');
  }
  if ((mode & 0o077) === 0) return ok(`${folder} is its owner’s alone`);
  return warn(
    `${folder} is open to others (mode ${mode.toString(8)})`,
    commandLine(['chmod', '700', folder]),
  );
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** `data` is where boshvirt keeps environments, their credentials and disks; it need not be there yet. */
export const folderChecks = (data: string): readonly Check[] => [
  { id: 'fs.space', title: 'disk space', why: 'stemcells and disks', look: () => lookAtSpace(data) },
  {
    id: 'secrets.perm',
    title: 'credentials',
    why: 'whoever reads that folder has the passwords and keys of all environments',
    look: () => lookAtSecrets(data),
  },
];
