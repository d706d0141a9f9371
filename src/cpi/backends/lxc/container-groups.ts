import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../../platform/errors.ts';

const hierarchy = '/sys/fs/cgroup/systemd';

/** Removes the empty groups that a container's init made for itself in systemd's hierarchy of control groups v1 (init.sh). */
export async function removeContainerGroups(vm: string): Promise<void> {
  const outer = (await foldersIn(hierarchy)).map((name) => join(hierarchy, name));
  for (const folder of [hierarchy, ...outer]) await removeTree(join(folder, vm));
}

async function removeTree(folder: string): Promise<void> {
  for (const name of await foldersIn(folder)) await removeTree(join(folder, name));
  await rmdir(folder).catch((error: unknown) => {
    if (!['ENOENT', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error; // busy: its last process still ends
  });
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
