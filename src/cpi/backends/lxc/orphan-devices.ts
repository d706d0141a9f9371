import { lstat, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { deviceLinks } from '../../../platform/device-links.ts';
import { isYoung } from '../../../platform/young.ts';
import type { DiskCid, Orphan } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { isDiskCid } from '../../on-libvirt/cids.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import type { Remains } from '../../on-libvirt/orphans/index.ts';
import { folderOf } from '../../on-libvirt/pools.ts';
import { userOfDisk } from './disk-users.ts';
import { closeLoopDevice, type LoopFile, loopDevices } from './loop-devices.ts';

/** Loop devices of the environment's files that no VM has: a killed call left them, or somebody removed a VM by hand. */
export const orphanDevices: Remains = {
  kind: 'mount',
  async find(host, { gone }) {
    const found = await Promise.all(
      (await devicesOf(host)).map(async (file): Promise<Orphan | undefined> => {
        const why = await reasonFor(host, file.name);
        const isNew = !gone && !isDeleted(file) && (await isFresh(file.name));
        return why === undefined || isNew
          ? undefined
          : { kind: 'mount', name: file.name, why, bytesOnDisk: 0 };
      }),
    );
    return found.filter((orphan) => orphan !== undefined);
  },
  async remove(host, name) {
    const file = (await devicesOf(host)).find((each) => each.name === name);
    if (file && !(await closeLoopDevice(file))) {
      throw new CloudError('CloudError', `The device of ${name} stays: something has it mounted`, {
        hints: ['losetup -a tells the device, and grep DEVICE /proc/*/mountinfo what has it mounted'],
      });
    }
  },
};

/**
 * Those that show a file in the environment's pool, also one that is deleted; none of a stopped pool, which nobody could ask
 * about. A call that was killed in the middle has left no link.
 */
async function devicesOf(host: LibvirtHost): Promise<LoopFile[]> {
  const pool = await host.libvirt.findPool(host.config.storagePool);
  if (!pool || !(await pool.isActive())) return [];
  const folder = await folderOf(pool);
  const real = await realpath(folder).catch(() => folder); // the kernel's names have no links in them
  const own = (await loopDevices()).filter(({ file }) => file.startsWith(`${real}/`));
  return own.map(({ file }) => ({ name: linkNameOf(file), path: file }));
}

/** A persistent disk's link has its CID as name, a VM's own image that of its file. */
function linkNameOf(file: string): string {
  const name = basename(withoutMark(file));
  return isDiskCid(name.replace(/\.img$/, '')) ? name.replace(/\.img$/, '') : name;
}

const deletedMark = / \(deleted\)$/;
const withoutMark = (file: string): string => file.replace(deletedMark, '');
const isDeleted = ({ path }: LoopFile): boolean => deletedMark.test(path);

/** Why nothing needs a device; undefined if something may. */
async function reasonFor(host: LibvirtHost, name: string): Promise<string | undefined> {
  if (isDiskCid(name))
    return (await userOfDisk(host, name as DiskCid)) ? undefined : `no VM has the disk ${name}`;
  const vm = /^(vm-[0-9a-f]{17})-/.exec(name)?.[1];
  return vm !== undefined && !(await host.findVm(vm)) ? `the VM ${vm} is gone` : undefined;
}

/** Links are made anew with their devices. */
async function isFresh(name: string): Promise<boolean> {
  return await lstat(`${deviceLinks}/${name}`).then(
    ({ mtime }) => isYoung(mtime),
    () => true,
  );
}
