import { readdir } from 'node:fs/promises';
import { readTextIfThere } from '../../platform/files.ts';
import { run } from '../../platform/process.ts';

/**
 * Takes the loop devices away whose files lie in `dir`: they belong to no process and would outlive the host. One that is
 * still in use goes with its last user.
 */
export async function releaseLoopDevices(dir: string): Promise<void> {
  for (const name of (await readdir('/sys/block').catch(() => [])).filter((each) =>
    each.startsWith('loop'),
  )) {
    const file = await readTextIfThere(`/sys/block/${name}/loop/backing_file`);
    if (file?.startsWith(`${dir}/`)) await run(['losetup', '--detach', `/dev/${name}`], { okExitCodes: [1] });
  }
}
