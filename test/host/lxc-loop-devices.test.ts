/** Files of containers as loop devices, by the kernel alone: no libvirt, no container. */
import { mkdtempDisposable, readlink, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import {
  closeLoopDevice,
  deviceLink,
  loopDeviceOf,
  openLoopDevice,
} from '../../src/cpi/backends/lxc/loop-devices.ts';
import { run } from '../../src/platform/process.ts';

test('the device of a file whose folder is reached by a link is known as its own, and taken away', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'bv-loop-'));
  await symlink('.', join(folder.path, 'link'));
  const file = { name: `test-${basename(folder.path)}`, path: join(folder.path, 'link', 'image') };
  await run(['truncate', '--size', '1M', file.path]);
  await openLoopDevice(file);
  const device = `/dev/${basename(await readlink(deviceLink(file.name)))}`;
  try {
    expect(await loopDeviceOf(file)).toBe(device);
    expect(await closeLoopDevice(file)).toBe(true);
    expect((await run(['losetup', '--list', '--output', 'BACK-FILE'])).stdout).not.toContain(folder.path);
  } finally {
    await run(['losetup', '--detach', device], { okExitCodes: [1] });
  }
});
