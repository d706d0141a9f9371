import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { deviceLinks } from '../../platform/device-links.ts';
import { run } from '../../platform/process.ts';

/**
 * Takes the loop devices away whose files lie in `dir`, and the links that lead to these or there: they belong to no process
 * and would outlive the host. A device that is still in use goes with its last user.
 */
export async function releaseDevices(dir: string): Promise<void> {
  const devices = await loopDevicesOf(dir);
  for (const name of await readdir(deviceLinks).catch(() => [])) {
    const link = join(deviceLinks, name);
    const target = resolve(deviceLinks, await readlink(link).catch(() => ''));
    if (devices.includes(target) || target.startsWith(`${dir}/`)) await rm(link, { force: true });
  }
  for (const device of devices) await run(['losetup', '--detach', device], { okExitCodes: [1] });
}

async function loopDevicesOf(dir: string): Promise<string[]> {
  const real = await realpath(dir).catch(() => dir); // the kernel's names have no links in them
  const names = (await readdir('/sys/block').catch(() => [])).filter((name) => name.startsWith('loop'));
  // a device without a file has none there, or no more
  const files = await Promise.all(
    names.map((name) => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')),
  );
  return names.filter((_, at) => files[at]?.startsWith(`${real}/`)).map((name) => `/dev/${name}`);
}
