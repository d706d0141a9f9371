/** Images that the builder writes, read by the tools of others. */
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openStemcellImage } from '../../../src/cpi/stemcell/index.ts';
import { run, which } from '../../../src/platform/process.ts';
import { cpioArchive } from '../../../src/stemcell/cpio.ts';
import { masterBootRecord, rawDisk } from '../../../src/stemcell/disk-image.ts';
import { GuestTree } from '../../../src/stemcell/guest-tree.ts';
import { hashFile } from '../../../src/stemcell/hash-file.ts';
import { inspectStemcell } from '../../../src/stemcell/inspect-stemcell.ts';
import { writeRootFilesystem } from '../../../src/stemcell/root-filesystem.ts';
import { writeDiskImage, writeStemcell, writeTreeImage } from '../../../src/stemcell/stemcell-archive.ts';

const [busybox, debugfs] = await Promise.all(['busybox', 'debugfs'].map(which));
const temporary = () => mkdtempDisposable(join(tmpdir(), 'images-'));

test.skipIf(!busybox)('busybox unpacks our initramfs format (needs busybox)', async () => {
  await using folder = await temporary();
  const archive = cpioArchive([
    { path: 'bin', mode: 0o755 },
    { path: 'bin/odd', mode: 0o700, content: Buffer.from('12345') },
    { path: 'empty', mode: 0o644, content: Buffer.alloc(0) },
  ]);
  await run(['busybox', 'cpio', '-i', '-d'], { cwd: folder.path, input: archive });
  expect(await readFile(join(folder.path, 'bin/odd'), 'utf8')).toBe('12345');
  expect(await readFile(join(folder.path, 'empty'), 'utf8')).toBe('');
  expect((await run(['stat', '-c', '%a', 'bin/odd'], { cwd: folder.path })).stdout.trim()).toBe('700');
});

test.skipIf(!debugfs)(
  'a root file system holds what the tree says, and twice the same bytes (needs e2fsprogs)',
  async () => {
    await using folder = await temporary();
    const tree = new GuestTree();
    tree.file('/etc/deep/motd', 'hello\n', 0o640);
    tree.folder('/home/vcap', 0o700, 1000);
    tree.link('/bin/sh', '/bin/busybox');
    const images = ['one', 'two'].map((name) => join(folder.path, name));
    for (const image of images)
      await writeRootFilesystem(image, tree.entries(), { workFolder: folder.path, sizeMb: 16 });
    const [first, second] = await Promise.all(images.map((image) => hashFile(image, 'sha256')));
    expect(first).toBe(second);
    const ask = async (command: string) => (await run(['debugfs', '-R', command, images[0] ?? ''])).stdout;
    expect(await ask('cat /etc/deep/motd')).toBe('hello\n');
    expect(await ask('stat /etc/deep/motd')).toMatch(/Mode:\s+0640[\s\S]*User:\s+0\s+Group:\s+0/);
    expect(await ask('stat /home/vcap')).toMatch(/Mode:\s+0700[\s\S]*User:\s+1000\s+Group:\s+1000/);
    expect(await ask('stat /bin/sh')).toContain('Fast link dest: "/bin/busybox"');
    await run(['e2fsck', '-f', '-n', images[0] ?? '']);
  },
);

test.skipIf(!debugfs)(
  'files that do not fit are an error, whatever debugfs says (needs e2fsprogs)',
  async () => {
    await using folder = await temporary();
    const tree = new GuestTree();
    tree.file('/large', Buffer.alloc(20 << 20, 1));
    const writing = writeRootFilesystem(join(folder.path, 'image'), tree.entries(), {
      workFolder: folder.path,
      sizeMb: 16,
    });
    await expect(writing).rejects.toThrow(/debugfs could not fill/);
  },
);

test('partitions lie one after another behind the first MiB', () => {
  const record = masterBootRecord(Buffer.alloc(512, 0x90), [
    { type: 0x06, bootable: true, sizeBytes: 32 << 20 },
    { type: 0x83, bootable: false, sizeBytes: 64 << 20 },
  ]);
  const entry = (index: number) => {
    const at = 446 + index * 16;
    return [record[at], record[at + 4], record.readUInt32LE(at + 8), record.readUInt32LE(at + 12)];
  };
  expect(record.readUInt16LE(510)).toBe(0xaa55);
  expect([record[439], entry(0), entry(1)]).toEqual([
    0x90,
    [0x80, 0x06, 2048, 65_536],
    [0, 0x83, 67_584, 131_072],
  ]);
});

test('the finished stemcell is one that the CPI and `--stemcell` read, and twice the same bytes', async () => {
  await using folder = await temporary();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('part'), Buffer.alloc(3 << 20, 'content '));
  const disk = await rawDisk(Buffer.alloc(440), [{ path: at('part'), type: 0x83, bootable: true }]);
  const facts = {
    name: 'probe',
    version: '0.1.0-abc',
    operatingSystem: 'boshvirt-probe',
    stemcellFormats: ['openstack-raw'],
    cloudProperties: { disk: 4 },
  };
  for (const name of ['one.tgz', 'two.tgz'])
    await writeStemcell(
      at(name),
      { path: at('image'), sha1: await writeDiskImage(at('image'), disk) },
      facts,
    );
  expect(await hashFile(at('one.tgz'), 'sha256')).toBe(await hashFile(at('two.tgz'), 'sha256'));
  expect(await inspectStemcell(at('one.tgz'))).toMatchObject({ name: 'probe', version: '0.1.0-abc' });
  const image = await openStemcellImage(at('image'));
  expect(image).toMatchObject({ format: 'raw', virtualSizeBytes: 4 << 20 });
  expect(
    gunzipSync(await readFile(at('image')))
      .subarray(0, 8)
      .toString(),
  ).toBe('root.img');
});

test("a container's image is the tree itself, all of it root's but what says otherwise, and twice the same bytes", async () => {
  await using folder = await temporary();
  const tree = new GuestTree();
  tree.file('/usr/bin/sudo', 'program', 0o4755);
  tree.folder('/home/vcap', 0o700, 1000);
  tree.link('/bin/sh', '/bin/busybox');
  const images = ['one', 'two'].map((name) => join(folder.path, name));
  for (const image of images) await writeTreeImage(image, tree.entries());
  const [first, second] = await Promise.all(images.map((image) => hashFile(image, 'sha256')));
  expect(first).toBe(second);
  const { stdout } = await run(['tar', '--numeric-owner', '-tvzf', images[0] ?? ''], { env: { TZ: 'UTC' } });
  const lines = stdout.split('\n').filter(Boolean);
  expect(lines.map((line) => line.replace(/ +\d+ 2023-11-14 22:13/, ''))).toEqual([
    'drwxr-xr-x 0/0 ./',
    'drwxr-xr-x 0/0 ./usr/',
    'drwxr-xr-x 0/0 ./usr/bin/',
    '-rwsr-xr-x 0/0 ./usr/bin/sudo',
    'drwxr-xr-x 0/0 ./home/',
    'drwx------ 1000/1000 ./home/vcap/',
    'drwxr-xr-x 0/0 ./bin/',
    'lrwxrwxrwx 0/0 ./bin/sh -> /bin/busybox',
  ]);
  expect((await run(['tar', '-xzOf', images[0] ?? '', './usr/bin/sudo'])).stdout).toBe('program');
});
