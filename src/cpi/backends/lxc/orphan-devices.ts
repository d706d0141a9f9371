import { lstat, readdir, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { deviceLinks } from '../../../platform/device-links.ts';
import { linkIfThere } from '../../../platform/files.ts';
import { isYoung } from '../../../platform/young.ts';
import type { DiskCid, Orphan } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { isDiskCid } from '../../on-libvirt/cids.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import type { Remains } from '../../on-libvirt/orphans/index.ts';
import { folderOf } from '../../on-libvirt/pools.ts';
import { userOfDisk } from './disk-users.ts';
import { closeLoopDevice, fileOf, type LoopFile } from './loop-devices.ts';

/** Loop devices of the environment's files that no VM has: a killed call left them, or somebody removed a VM by hand. */
export const orphanDevices: Remains = {
  kind: 'mount',
  async find(host, { gone }) {
    const found = await Promise.all(
      (await devicesOf(host)).map(async (file): Promise<Orphan | undefined> => {
        const why = await reasonFor(host, file.name);
        const isNew = !gone && (await isFresh(file.name));
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

/** Those with a link that show a file in the environment's pool; none of a stopped one, which nobody could ask about. */
async function devicesOf(host: LibvirtHost): Promise<LoopFile[]> {
  const pool = await host.libvirt.findPool(host.config.storagePool);
  if (!pool || !(await pool.isActive())) return [];
  const folder = await folderOf(pool);
  const real = await realpath(folder).catch(() => folder); // the kernel's names have no links in them
  const names = (await readdir(deviceLinks).catch(() => [])).filter((name) => !name.endsWith('.new'));
  const files = await Promise.all(
    names.map(async (name) => {
      const device = await linkIfThere(`${deviceLinks}/${name}`);
      return { name, path: (device && (await fileOf(basename(device)))) ?? '' };
    }),
  );
  return files.filter(({ path }) => path.startsWith(`${real}/`));
}

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
