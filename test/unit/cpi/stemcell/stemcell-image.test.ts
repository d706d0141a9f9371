import { createHash } from 'node:crypto';
import { mkdir, mkdtempDisposable, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CloudError } from '../../../../src/cpi/errors.ts';
import { hashFile, openStemcellImage } from '../../../../src/cpi/stemcell/index.ts';
import { run } from '../../../../src/platform/process.ts';
import { qcow2, rawDisk, tar, tgz, vmdk } from './images.ts';

const mebibyte = 1024 * 1024;

/** Hands the file to `look`, and takes it away afterwards. */
async function withFile<T>(content: Buffer, look: (path: string) => Promise<T>): Promise<T> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-stemcell-'));
  const path = join(folder.path, 'image');
  await writeFile(path, content);
  return await look(path);
}

/** What openStemcellImage says of a file, with all the bytes that it gives. */
async function read(content: Buffer) {
  return await withFile(content, async (path) => {
    const { format, virtualSizeBytes, sizeBytes, open } = await openStemcellImage(path);
    return { format, virtualSizeBytes, sizeBytes, content: await buffer(open()) };
  });
}

/** The error with which opening, or else reading, a file fails; and which of both it was. */
async function refusal(content: Buffer): Promise<{ error: CloudError; when: 'open' | 'read' }> {
  return await withFile(content, async (path) => {
    try {
      const image = await openStemcellImage(path);
      return {
        error: cloudError(await buffer(image.open()).catch((error: unknown) => error), path),
        when: 'read',
      };
    } catch (error) {
      return { error: cloudError(error, path), when: 'open' };
    }
  });
}

function cloudError(thrown: unknown, path: string): CloudError {
  if (!(thrown instanceof CloudError)) throw new Error('expected a CloudError', { cause: thrown });
  expect(thrown.message, 'the message names the file').toContain(path);
  return thrown;
}

describe('finds the image by content', () => {
  const raw = rawDisk(mebibyte);
  const cow = qcow2();

  test.each([
    ['a gzip’d tar of a raw disk', async () => await tgz({ name: 'root.img', content: raw }), 'raw', raw],
    [
      'a gzip’d tar of a qcow2 image',
      async () => await tgz({ name: 'root.img', content: cow }),
      'qcow2',
      cow,
    ],
    ['another name', async () => await tgz({ name: 'disk.raw', content: cow }), 'qcow2', cow],
    ['a bare tar', async () => await tar({ name: 'root.img', content: raw }), 'raw', raw],
    ['a gzip’d image', async () => gzipSync(cow), 'qcow2', cow],
    ['a gzip’d raw disk', async () => gzipSync(raw), 'raw', raw],
    ['a bare qcow2 image', async () => cow, 'qcow2', cow],
    ['a bare raw disk', async () => raw, 'raw', raw],
    [
      'a folder entry and texts around it',
      async () =>
        await tgz(
          { name: './', type: 'directory' },
          { name: './notes.txt', content: Buffer.from('hello\n') },
          { name: './root.img', content: raw },
          { name: './root.mf', content: Buffer.from('SHA256(root.img)= 00\n') },
        ),
      'raw',
      raw,
    ],
    [
      'a name too long for the old header',
      async () => await tgz({ name: `${'long/'.repeat(60)}root.img`, content: raw }),
      'raw',
      raw,
    ],
  ] as const)('%s', async (_, wrap, format, image) => {
    expect(await read(await wrap())).toEqual({
      format,
      virtualSizeBytes: format === 'raw' ? image.length : 10 * mebibyte,
      sizeBytes: image.length,
      content: image,
    });
  });

  test('a raw disk that is still blank, if it comes in a tar as stemcells do', async () => {
    const blank = Buffer.alloc(mebibyte);
    expect(await read(await tgz({ name: 'root.img', content: blank }))).toMatchObject({ format: 'raw' });
    expect((await refusal(blank)).error.message).toContain('holds no disk image');
  });

  test('a tar that several gzip members make up', async () => {
    const whole = await tar({ name: 'root.img', content: raw });
    const members = Buffer.concat([gzipSync(whole.subarray(0, 7000)), gzipSync(whole.subarray(7000))]);
    expect((await read(members)).content.equals(raw)).toBe(true);
  });

  test('the VMDK image of a vsphere stemcell is named as such', async () => {
    const image = await tgz(
      { name: 'image.ovf', content: Buffer.from('<?xml version="1.0"?>\n<Envelope/>\n') },
      { name: 'image-disk1.vmdk', content: vmdk({ capacityBytes: mebibyte }) },
    );
    expect(await read(image)).toMatchObject({ format: 'vmdk', virtualSizeBytes: mebibyte });
  });
});

describe('refuses before anything can be made of it', () => {
  const raw = rawDisk(mebibyte);

  test.each([
    ['an empty file', async () => Buffer.alloc(0), 'is empty'],
    ['text', async () => Buffer.from('<html>404 Not Found</html>\n'), 'holds text'],
    ['gzip’d text', async () => gzipSync('hello\n'), 'holds text'],
    ['random bytes', async () => createHash('sha512').update('x').digest(), 'holds no disk image'],
    ['a tar without files', async () => await tgz({ name: './', type: 'directory' }), 'its tar has none'],
    ['a zip', async () => Buffer.from('PK\x03\x04 and more'), 'a zip file'],
    [
      'a gzip in a tar',
      async () => await tgz({ name: 'image', content: gzipSync(raw) }),
      'another gzip file',
    ],
    [
      'a whole stemcell',
      async () => await tgz({ name: 'stemcell.MF' }, { name: 'image' }),
      'a whole stemcell',
    ],
    [
      'an odd size',
      async () => await tgz({ name: 'root.img', content: raw.subarray(0, 1000) }),
      '512-byte sectors',
    ],
    [
      'a gzip cut short',
      async () => (await tgz({ name: 'root.img', content: raw })).subarray(0, -2000),
      'cut short',
    ],
    [
      'a gzip cut off at once',
      async () => (await tgz({ name: 'root.img', content: raw })).subarray(0, 30),
      'cut short',
    ],
    [
      'a tar cut short',
      async () => (await tar({ name: 'root.img', content: raw })).subarray(0, 50_000),
      'cut short',
    ],
    [
      'a gzip’d tar cut short',
      async () => gzipSync((await tar({ name: 'root.img', content: raw })).subarray(0, 50_000)),
      'cut short',
    ],
    [
      'two images',
      async () => await tgz({ name: 'a.img', content: raw }, { name: 'b.img', content: qcow2() }),
      'more than one disk image: a.img and b.img',
    ],
    ['a qcow2 image cut short', async () => qcow2().subarray(0, 0x20000), 'cut short'],
    [
      'qcow2 on other files',
      async () => qcow2({ backingFile: '/etc/shadow' }),
      'backing file ("/etc/shadow")',
    ],
    ['qcow2 version 2 on other files', async () => qcow2({ version: 2, backingFile: 'x' }), 'backing file'],
    [
      'qcow2 on other files, wrapped',
      async () => await tgz({ name: 'root.img', content: qcow2({ backingFile: 'nbd://h' }) }),
      'backing file ("nbd://h")',
    ],
    ['qcow2 with its data elsewhere', async () => qcow2({ features: 4n }), 'another file'],
    ['qcow2 marked corrupt', async () => qcow2({ features: 2n }), 'marked as corrupt'],
    ['encrypted qcow2', async () => qcow2({ encrypted: true }), 'encrypted'],
    ['qcow2 without a size', async () => qcow2({ virtualSizeBytes: 0 }), 'makes no sense'],
    ['qcow of version 1', async () => qcow2({ version: 1 }), 'another version'],
  ] as const)('%s', async (_, make, message) => {
    const { error, when } = await refusal(await make());
    expect(error.message).toContain(message);
    expect(when).toBe('open');
    expect(error.hints.join()).toContain('checksum');
  });

  test('a folder and a missing file', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-stemcell-'));
    await expect(openStemcellImage(folder.path)).rejects.toThrow(/is not a file/);
    await expect(openStemcellImage(join(folder.path, 'none'))).rejects.toThrow(/cannot be read: ENOENT/);
    await expect(hashFile(join(folder.path, 'none'))).rejects.toThrow(CloudError);
  });
});

test('a flaw in the midst of the gzip data is an error of the stream', async () => {
  const image = Buffer.from(await tgz({ name: 'root.img', content: rawDisk(4 * mebibyte) }));
  image.fill(0xff, image.length >> 1, (image.length >> 1) + 64);
  const { error, when } = await refusal(image);
  expect(error.message).toMatch(/damaged: its gzip data/);
  expect(when).toBe('read');
});

test('a wrong gzip checksum is an error of the stream, though all bytes came', async () => {
  const image = Buffer.from(await tgz({ name: 'root.img', content: rawDisk(mebibyte) }));
  image.writeUInt32LE((image.readUInt32LE(image.length - 8) ^ 1) >>> 0, image.length - 8);
  const { error, when } = await refusal(image);
  expect(error.message).toContain('incorrect data check');
  expect(when).toBe('read');
});

test('the gzip checksum counts though the tar has ended long before', async () => {
  const content = await tar({ name: 'root.img', content: rawDisk(mebibyte) });
  const image = gzipSync(Buffer.concat([content, Buffer.alloc(4 * mebibyte)]));
  image.writeUInt32LE((image.readUInt32LE(image.length - 8) ^ 1) >>> 0, image.length - 8);
  expect((await refusal(image)).error.message).toContain('incorrect data check');
});

test('an image can be read twice, and whoever stops early leaves no file open', async () => {
  const raw = rawDisk(4 * mebibyte);
  await withFile(raw, async (path) => {
    const image = await openStemcellImage(path);
    for await (const _ of image.open()) break;
    expect((await buffer(image.open())).equals(raw)).toBe(true);
    expect(await openPaths()).not.toContain(path);
  });
});

describe.skipIf(process.platform !== 'linux')('archives of GNU tar (another tar has other flags)', () => {
  const longPath = `${'a-long-folder-name/'.repeat(9)}root.img`;

  /** Packs two files of the same bytes under names so long that each format has its own way of keeping them. */
  async function packed(...flags: string[]): Promise<Buffer> {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-stemcell-'));
    await mkdir(join(folder.path, dirname(longPath)), { recursive: true });
    const holes = Buffer.alloc(mebibyte);
    rawDisk(65_536).copy(holes);
    await writeFile(join(folder.path, 'full'), holes);
    const names = [longPath, `${longPath}2`];
    for (const name of names) await run(['cp', '--sparse=always', 'full', name], { cwd: folder.path });
    const archive = join(folder.path, 'image');
    await run(['tar', ...flags, '-czf', archive, ...names], { cwd: folder.path });
    return await readFile(archive);
  }

  test.each([['gnu'], ['posix'], ['ustar']])('%s', async (format) => {
    const { error } = await refusal(await packed(`--format=${format}`));
    expect(error.message).toContain(`more than one disk image: ${longPath} and ${longPath}2`);
  });

  test.each([['gnu'], ['posix']])(
    '%s with holes left out is refused, since it would need filling in',
    async (format) => {
      const { error } = await refusal(await packed(`--format=${format}`, '--sparse'));
      expect(error.message).toContain(`as a sparse tar entry`);
      expect(error.message).toContain('pack it without --sparse');
    },
  );
});

async function openPaths(): Promise<string[]> {
  const links = await readdir('/proc/self/fd');
  return await Promise.all(
    links.map(async (fd) => await readlink(`/proc/self/fd/${fd}`).catch(() => 'closed')),
  );
}

test('takes no more from the file than the reader wants', async () => {
  await withFile(rawDisk(16 * mebibyte), async (path) => {
    const stream = (await openStemcellImage(path)).open()[Symbol.asyncIterator]();
    await stream.next();
    const before = process.memoryUsage().arrayBuffers;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * mebibyte);
    await stream.return?.();
  });
});

test('hashFile gives the SHA-256 of the file as it lies there', async () => {
  const content = rawDisk(3 * mebibyte + 17);
  const expected = createHash('sha256').update(content).digest('hex');
  expect(await withFile(content, hashFile)).toBe(expected);
});
