import { createHash } from 'node:crypto';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { DebianPackages, parsePackages } from '../../../src/stemcell/debian-packages.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const stanza = (name: string, depends = '') =>
  `Package: ${name}\nVersion: 1:2.3-4\n${depends && `Depends: ${depends}\n`}Description-en: words\n Depends: not a field\nSHA256: ${sha256(name)}\n\n`;

const path = process.env.PATH;
afterEach(() => {
  process.env.PATH = path;
});

/** A folder at the head of PATH with apt programs that know the packages that `known` prints. */
async function fakeApt(programs: Readonly<Record<'apt-get' | 'apt-cache', string>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'apt-'));
  for (const [name, body] of Object.entries(programs))
    await writeFile(join(folder.path, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  process.env.PATH = `${folder.path}:${path}`;
  return {
    folder: folder.path,
    cacheDir: join(folder.path, 'cache'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test('stanzas of apt-cache show', () => {
  const packages = parsePackages(
    stanza('linux-image-cloud-amd64', 'linux-image-6.1.0-56-cloud-amd64 (= 6.1.192-2), a | b') +
      stanza('other'),
  );
  expect(packages.get('linux-image-cloud-amd64')).toEqual({
    name: 'linux-image-cloud-amd64',
    version: '1:2.3-4',
    sha256: sha256('linux-image-cloud-amd64'),
    depends: ['linux-image-6.1.0-56-cloud-amd64', 'a'],
  });
  expect(packages.get('other')?.depends).toEqual([]);
});

test('of two names the one that this release has is taken; a wish that nothing fulfils is an error', async () => {
  await using apt = await fakeApt({
    'apt-cache': `cat <<'E'\n${stanza('libext2fs2')}E\nexit 100`,
    'apt-get': 'exit 0',
  });
  const debian = new DebianPackages({ cacheDir: apt.cacheDir });
  expect((await debian.find(['libext2fs2t64|libext2fs2'])).map(({ name }) => name)).toEqual(['libext2fs2']);
  await expect(debian.find(['libext2fs2', 'no-such'])).rejects.toThrow(/no package no-such/);
});

test('a machine with empty lists gets lists of its own, which later calls look into', async () => {
  await using apt = await fakeApt({
    'apt-cache': `case "$*" in *Dir::State::lists=*) cat <<'E'\n${stanza('busybox-static')}E\n;; *) exit 100;; esac`,
    'apt-get': 'echo "$@" >>"$(dirname "$0")/calls"',
  });
  const debian = new DebianPackages({ cacheDir: apt.cacheDir });
  expect(await debian.find(['busybox-static'])).toHaveLength(1);
  expect(await readFile(join(apt.folder, 'calls'), 'utf8')).toMatch(
    /Dir::State::lists=\S*cache\/apt\/lists .*update/,
  );
});

test('packages are downloaded once, and one with other bytes than promised is refused', async () => {
  await using apt = await fakeApt({
    'apt-cache': `cat <<'E'\n${stanza('good')}${stanza('bad')}E`,
    'apt-get': 'echo x >>"$(dirname "$0")/calls"; printf good >good_1.deb; printf tampered >bad_1.deb',
  });
  const debian = new DebianPackages({ cacheDir: apt.cacheDir });
  const [good] = await debian.find(['good']);
  for (const _ of [1, 2]) {
    const [file] = await debian.download(good ? [good] : []);
    expect(await readFile(file ?? '', 'utf8')).toBe('good');
  }
  expect(await readFile(join(apt.folder, 'calls'), 'utf8')).toBe('x\n');
  await expect(debian.download(await debian.find(['bad']))).rejects.toThrow(
    /brought no bad 1:2.3-4 with SHA-256/,
  );
  expect(await readdir(join(apt.cacheDir, 'packages'))).toEqual([`${sha256('good')}.deb`]);
});
