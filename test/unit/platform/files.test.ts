import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { namesIn, readTextIfThere, statIfThere, writeFileAtomic } from '../../../src/platform/files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-files-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test('a file and the folders above it are its owner’s alone, unless said otherwise', async () => {
  const path = join(folder, 'a', 'b', 'secret');
  await writeFileAtomic(path, 'text');
  expect(await readFile(path, 'utf8')).toBe('text');
  expect([await modeOf(path), await modeOf(join(folder, 'a')), await modeOf(join(folder, 'a/b'))]).toEqual([
    '600',
    '700',
    '700',
  ]);
  await writeFileAtomic(path, new Uint8Array([1, 2]), { mode: 0o644 });
  expect(await modeOf(path)).toBe('644');
  expect([...(await readFile(path))]).toEqual([1, 2]);
});

test('a reader sees one content or the other, whole', async () => {
  const path = join(folder, 'file');
  const contents = ['a', 'b'].map((letter) => letter.repeat(1024 * 1024));
  await writeFileAtomic(path, contents[0] as string);
  let isWriting = true;
  const writing = (async () => {
    for (let turn = 0; turn < 20; turn += 1) await writeFileAtomic(path, contents[turn % 2] as string);
    isWriting = false;
  })();
  while (isWriting) expect(contents.includes(await readFile(path, 'utf8'))).toBe(true);
  await writing;
});

test('of many writers at once one wins, and nothing of the others stays', async () => {
  const path = join(folder, 'file');
  const contents = Array.from({ length: 10 }, (_, at) => `content ${at}`);
  await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
  expect(contents).toContain(await readFile(path, 'utf8'));
  expect(await readdir(folder)).toEqual(['file']);
});

test('a write that fails leaves what was there, and nothing else', async () => {
  const path = join(folder, 'taken');
  await mkdir(path);
  await writeFile(join(path, 'inside'), 'x');
  await expect(writeFileAtomic(path, 'text')).rejects.toMatchObject({ code: 'EISDIR' });
  expect(await readdir(folder, { recursive: true })).toEqual(['taken', 'taken/inside']);
});

test('a file that is not there has no text; one that cannot be read is an error', async () => {
  expect(await readTextIfThere(join(folder, 'none'))).toBeUndefined();
  await expect(readTextIfThere(folder)).rejects.toMatchObject({ code: 'EISDIR' });
});

test('where nothing is, there are no names and no facts; what cannot be asked is an error', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '12');
  expect(await namesIn(folder)).toEqual(['file']);
  expect((await statIfThere(file))?.size).toBe(2);
  for (const path of [join(folder, 'none'), join(file, 'below')]) {
    expect(await namesIn(path)).toEqual([]);
    expect(await statIfThere(path)).toBeUndefined();
  }
  const endless = join(folder, 'endless');
  await symlink(endless, endless);
  await expect(namesIn(endless)).rejects.toMatchObject({ code: 'ELOOP' });
  await expect(statIfThere(endless)).rejects.toMatchObject({ code: 'ELOOP' });
});
