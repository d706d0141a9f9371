import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { writeIso9660 } from '../../../../src/cpi/agent/index.ts';
import type { SettingsSource } from '../../../../stemcells/probe/agent/agent-options.ts';
import { isoVolumes, loadSettings } from '../../../../stemcells/probe/agent/settings-sources.ts';
import { fakeGuest } from './fake-guest.ts';

/** Those of agent.json in the form for machines. */
const drives: readonly SettingsSource[] = [
  {
    Type: 'ConfigDrive',
    DiskPaths: ['/dev/disk/by-label/config-2', '/dev/disk/by-label/CONFIG-2'],
    UserDataPath: 'ec2/latest/user-data',
  },
  { Type: 'CDROM', FileName: 'env' },
];
const settings = (id: string) => JSON.stringify({ agent_id: id });
const iso = (label: string) => writeIso9660(label, [{ path: 'env', content: Buffer.from('x') }]);

/** A program runner whose mounts put one file on the mount point. */
function mounting(path: string, text: string) {
  return async (argv: readonly string[]) => {
    if (argv[0] !== 'mount') return '';
    const file = join(argv.at(-1) ?? '', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return '';
  };
}

test('ISO volumes are found by their content', async () => {
  await using guest = await fakeGuest({
    'dev/sr0': iso('OTHER'),
    'dev/sr1': iso('config-2'),
    'dev/vda': Buffer.alloc(64),
  });
  for (const name of ['sr0', 'sr1', 'vda', 'vdz']) await guest.add(`sys/block/${name}/size`, '8');
  expect(await isoVolumes(guest.places)).toEqual([
    { device: guest.at('dev/sr0'), label: 'OTHER' },
    { device: guest.at('dev/sr1'), label: 'config-2' },
  ]);
});

test.each([
  ['a config drive', 'config-2', 'ec2/latest/user-data'],
  ['a CD with the file env', 'BOSH', 'env'],
])('%s is read, and kept for a start without it', async (_, label, path) => {
  await using guest = await fakeGuest({ 'dev/sr0': iso(label), 'sys/block/sr0/size': '8' });
  expect((await loadSettings(drives, guest.places, mounting(path, settings('a-1')), () => {})).agentId).toBe(
    'a-1',
  );
  const kept = guest.at('vcap/bosh/settings.json');
  expect(await readFile(kept, 'utf8')).toBe(settings('a-1'));
  expect((await stat(kept)).mode & 0o777).toBe(0o600);
});

test('sources are asked in their order', async () => {
  await using guest = await fakeGuest({
    'vcap/first.json': settings('from-file'),
    'dev/sr0': iso('config-2'),
  });
  await guest.add('sys/block/sr0/size', '8');
  const file = { Type: 'File', SettingsPath: guest.at('vcap/first.json') } as const;
  const run = mounting('ec2/latest/user-data', settings('from-drive'));
  const load = async (sources: readonly SettingsSource[]) =>
    (await loadSettings(sources, guest.places, run, () => {})).agentId;
  expect(await load([file, ...drives])).toBe('from-file');
  expect(await load([...drives, file])).toBe('from-drive');
});

test('kept settings serve when the drive is gone; without any the agent says where it looked', async () => {
  const run = async () => '';
  const log = () => {};
  await using guest = await fakeGuest({ 'vcap/bosh/settings.json': settings('kept') });
  expect((await loadSettings(drives, guest.places, run, log, 0)).agentId).toBe('kept');
  await using empty = await fakeGuest();
  await expect(loadSettings(drives, empty.places, run, log, 0)).rejects.toThrow(
    'no settings, looked for a drive /dev/disk/by-label/config-2 or /dev/disk/by-label/CONFIG-2, a CD with the file env',
  );
});
