import { expect, test } from 'vitest';
import { Filesystems } from '../../../../stemcells/probe/agent/filesystems.ts';
import { fakeGuest } from './fake-guest.ts';

test('mounting twice is one mount, and no disk covers another', async () => {
  await using guest = await fakeGuest({ 'proc/mounts': '/dev/vdb1 /var/vcap/data ext4 rw 0 0\n' });
  const commands: string[] = [];
  const run = async (argv: readonly string[]) => {
    commands.push(argv.join(' '));
    return '';
  };
  const files = new Filesystems(guest.places, run, () => {});
  await files.mount('/dev/vdb1', '/var/vcap/data');
  expect(commands).toEqual([]);
  await expect(files.mount('/dev/vdc1', '/var/vcap/data')).rejects.toThrow(
    '/dev/vdb1 is mounted on /var/vcap/data',
  );
});
