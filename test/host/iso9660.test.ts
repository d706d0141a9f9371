/** Our ISO 9660 images as others see them: the tools of libburnia and cdrtools, and udev's blkid. */
import { mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  buildAgentSettings,
  configDriveFiles,
  configDriveLabel,
  configDriveSettingsPath,
  type IsoFile,
  writeIso9660,
} from '../../src/cpi/agent/index.ts';
import { run } from '../../src/platform/process.ts';

const settings = buildAgentSettings({
  agentId: '1b2c',
  vmCid: 'vm-0123456789abcdef',
  networks: { default: { type: 'manual', ip: '10.0.0.6', mac: '52:54:00:aa:bb:cc' } },
  env: { bosh: { mbus: { cert: { private_key: 'K'.repeat(5000) } } } },
  agent: { mbus: 'https://mbus:pw@0.0.0.0:6868' },
  disks: { system: '/dev/vda' },
});

const oddFiles: IsoFile[] = [
  { path: 'empty', content: new Uint8Array(0) },
  { path: 'Grüße, Welt.tar.gz', content: Buffer.from('x'), mode: 0o644 },
  ...Array.from({ length: 150 }, (_, n) => ({
    path: `many/a-rather-long-file-name-${n}.json`,
    content: Buffer.alloc(n * 50, 65),
  })),
];

const files = [...configDriveFiles(settings), ...oddFiles];

/** Writes the image into a folder that goes away with the caller. */
async function imageFile() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-iso-'));
  const path = join(folder.path, 'config.iso');
  await writeFile(path, writeIso9660(configDriveLabel, files));
  return { folder, path };
}

test('blkid finds the label by which the agent looks for the drive', async () => {
  const { folder, path } = await imageFile();
  await using _ = folder;
  const { stdout } = await run(['blkid', '-p', '-o', 'export', path]);
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['LABEL=config-2', 'TYPE=iso9660']));
});

test('isoinfo reads each file, by its real name', async () => {
  const { folder, path } = await imageFile();
  await using _ = folder;
  const { stdout } = await run(['isoinfo', '-R', '-f', '-i', path]);
  const found = stdout.split('\n').filter((line) => line !== '');
  expect(found).toEqual(expect.arrayContaining(files.map((file) => `/${file.path}`)));
  const userData = await run(['isoinfo', '-R', '-x', `/${configDriveSettingsPath}`, '-i', path]);
  expect(JSON.parse(userData.stdout)).toEqual(settings);
});

test('isoinfo finds the volume descriptor, the path table and Rock Ridge in order', async () => {
  const { folder, path } = await imageFile();
  await using _ = folder;
  const description = await run(['isoinfo', '-d', '-i', path]);
  expect(description.stdout).toContain('Volume id: config-2');
  expect(description.stdout).toContain('Rock Ridge signatures version 1 found');
  const sectors = Number(/Volume size is: (\d+)/.exec(description.stdout)?.[1]);
  expect(sectors * 2048).toBe((await stat(path)).size);
  const table = await run(['isoinfo', '-p', '-i', path]);
  const entries = [...table.stdout.matchAll(/\d+:\s+(\d+) \w+ ?(.*)/g)].map(([, parent, name]) => [
    parent,
    name,
  ]);
  expect(entries).toEqual([
    ['1', ''],
    ['1', 'EC2'],
    ['1', 'MANY'],
    ['2', 'LATEST'],
  ]);
});

test('xorriso takes out all files as they were put in, with their modes', async () => {
  const { folder, path } = await imageFile();
  await using _ = folder;
  const out = join(folder.path, 'out');
  const log = await run([
    'xorriso',
    '-abort_on',
    'WARNING',
    '-osirrox',
    'on',
    '-indev',
    path,
    '-extract',
    '/',
    out,
  ]);
  expect(log.stderr).not.toMatch(/FAILURE|SORRY|WARNING|damaged/);
  for (const { path: name, content, mode } of files) {
    expect((await readFile(join(out, name))).equals(Buffer.from(content)), name).toBe(true);
    expect((await stat(join(out, name))).mode & 0o777, name).toBe(mode ?? 0o600);
  }
});
