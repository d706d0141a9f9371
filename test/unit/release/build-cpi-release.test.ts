import { createHash } from 'node:crypto';
import { mkdtempDisposable, readdir, readFile, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { backendNames } from '../../../src/cpi/backends/registry.ts';
import { packageRoot } from '../../../src/platform/package-root.ts';
import { buildCpiRelease } from '../../../src/release/index.ts';

async function unpack(packed: Uint8Array): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const entry of Readable.from([gunzipSync(packed)]).pipe(extract())) {
    files.set(entry.header.name, await buffer(entry));
  }
  return files;
}

test('the manifest describes the job that lies in the tarball', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-release-'));
  const release = await buildCpiRelease({ outPath: join(folder.path, 'cpi.tgz') });
  const bytes = await readFile(release.path);
  expect(createHash('sha1').update(bytes).digest('hex')).toBe(release.sha1);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(release.sha256);

  const files = await unpack(bytes);
  const manifest = parse(String(files.get('release.MF')));
  const job = files.get('jobs/boshvirt_cpi.tgz') ?? Buffer.alloc(0);
  expect(manifest).toMatchObject({ name: release.name, version: release.version });
  expect(manifest.jobs).toHaveLength(1);
  expect(manifest.jobs[0].sha1).toBe(createHash('sha1').update(job).digest('hex'));

  const inside = await unpack(job);
  const spec = parse(String(inside.get('job.MF')));
  expect([...inside.keys()].sort()).toEqual(
    ['job.MF', 'monit', ...Object.keys(spec.templates).map((name) => `templates/${name}`)].sort(),
  );
});

test('every property that a template asks for is in the job’s spec: bosh shows templates no others', async () => {
  const folder = join(packageRoot(), 'templates', 'release');
  const { properties } = parse(await readFile(join(folder, 'job.MF'), 'utf8'));
  const templates = (await readdir(folder)).filter((name) => name.endsWith('.erb'));
  const texts = await Promise.all(templates.map((name) => readFile(join(folder, name), 'utf8')));
  const asked = texts.flatMap((text) => [
    ...[...text.matchAll(/p\('([\w.]+)'/g)].map(([, name]) => name),
    ...[...text.matchAll(/p\(%w\[([^\]]+)\]/g)].flatMap(([, names = '']) => names.split(' ')),
  ]);
  expect(asked).toContain('blobstore');
  // and, by the backend's name, its options
  const options = backendNames.map((name) => `boshvirt.${name}`);
  expect(Object.keys(properties)).toEqual(expect.arrayContaining([...asked, ...options]));
});

test('two builds give the same bytes under the name of their content', async () => {
  await using first = await mkdtempDisposable(join(tmpdir(), 'boshvirt-release-'));
  await using second = await mkdtempDisposable(join(tmpdir(), 'boshvirt-release-'));
  const source = join(packageRoot(), 'templates', 'release', 'cpi.erb');
  const one = await buildCpiRelease({ cacheDir: first.path });
  await utimes(source, new Date(), new Date());
  const other = await buildCpiRelease({ cacheDir: second.path });
  expect(await readFile(other.path)).toEqual(await readFile(one.path));
  expect(one.path).toBe(join(first.path, `boshvirt-cpi-${one.version}.tgz`));
});
