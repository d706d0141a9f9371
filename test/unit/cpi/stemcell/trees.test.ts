/** Root directories of containers as create_stemcell gets them: a plain tar, or what a container tool has packed. */
import { createHash } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { CloudError } from '../../../../src/cpi/errors.ts';
import { openStemcellImage } from '../../../../src/cpi/stemcell/index.ts';
import { unsuitableImage } from '../../../../src/cpi/stemcell/unsuitable-image.ts';
import { type Entry, tar, tgz } from './images.ts';

const folder = (name: string): Entry => ({ name, type: 'directory' });
const file = (name: string, text = ''): Entry => ({ name, content: Buffer.from(text) });
const link = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname });
const json = (name: string, value: unknown): Entry => file(name, JSON.stringify(value));
const hex = (content: Buffer) => createHash('sha256').update(content).digest('hex');

interface Read {
  readonly format: string;
  /** Names of the entries in their order; of a file with its text, of a link with its target. */
  readonly entries: Readonly<Record<string, string>>;
}

async function read(content: Buffer): Promise<Read> {
  await using place = await mkdtempDisposable(join(tmpdir(), 'boshvirt-tree-'));
  await writeFile(join(place.path, 'image'), content);
  const image = await openStemcellImage(join(place.path, 'image'));
  const bytes = await buffer(image.open());
  const entries: Record<string, string> = {};
  const unpacking = extract();
  unpacking.end(bytes);
  for await (const entry of unpacking) {
    const text = (await buffer(entry)).toString('utf8');
    entries[entry.header.name] = entry.header.linkname ?? text;
  }
  return { format: image.format, entries };
}

async function refusal(content: Buffer): Promise<string> {
  const thrown: unknown = await read(content).catch((error: unknown) => error);
  if (!(thrown instanceof CloudError)) throw new Error('expected a CloudError', { cause: thrown });
  return thrown.message;
}

/** `docker save` as it was for long: a folder per layer. */
async function dockerArchive(...layers: Buffer[]): Promise<Buffer> {
  const names = layers.map((layer) => `${hex(layer)}/layer.tar`);
  return await tar(
    ...layers.flatMap((content, at) => [folder(`${hex(content)}/`), { name: names[at] ?? '', content }]),
    json('manifest.json', [{ Config: 'config.json', RepoTags: ['x:1'], Layers: names }]),
  );
}

async function ociLayout(manifests: readonly object[], ...blobs: Buffer[]): Promise<Buffer> {
  return await tar(
    folder('blobs/'),
    folder('blobs/sha256/'),
    ...blobs.map((content) => ({ name: `blobs/sha256/${hex(content)}`, content })),
    json('index.json', { schemaVersion: 2, manifests }),
    json('oci-layout', { imageLayoutVersion: '1.0.0' }),
  );
}
const digestOf = (content: Buffer) => `sha256:${hex(content)}`;
const manifestOf = (...layers: Buffer[]) =>
  Buffer.from(JSON.stringify({ layers: layers.map((layer) => ({ digest: digestOf(layer) })) }));

describe('finds the tree in', () => {
  const entries = [folder('./'), folder('./bin/'), file('./bin/sh', 'shell'), link('./sbin', 'bin')];
  const shown = { './': '', './bin/': '', './bin/sh': 'shell', './sbin': 'bin' };

  test('a warden stemcell: a tar of the root directory, gzip’d or not', async () => {
    for (const image of [await tar(...entries), await tgz(...entries)])
      expect(await read(image)).toEqual({ format: 'tree', entries: shown });
  });

  test('a tar that begins with files and holds links', async () => {
    const image = await tgz(file('.dockerenv'), link('bin', 'usr/bin'), file('usr/bin/sh', 'shell'));
    expect((await read(image)).format).toBe('tree');
  });

  test('a docker archive', async () => {
    const image = await dockerArchive(await tar(...entries));
    for (const packed of [image, gzipSync(image)]) expect((await read(packed)).entries).toEqual(shown);
  });

  test('an OCI layout, its layers packed by gzip or zstd', async () => {
    for (const pack of [gzipSync, zstdCompressSync]) {
      const layer = pack(await tar(...entries));
      const manifest = manifestOf(layer);
      const image = await ociLayout([{ digest: digestOf(manifest) }], layer, manifest);
      expect((await read(image)).entries).toEqual(shown);
    }
  });

  test('an OCI layout of several machines, that of this one', async () => {
    const own = process.arch === 'x64' ? 'amd64' : process.arch;
    const layers = await Promise.all(['own', 'other'].map((name) => tgz(file(name))));
    const manifests = layers.map((layer) => manifestOf(layer));
    const platforms = [own, 's390x'].map((architecture) => ({ os: 'linux', architecture }));
    const inner = Buffer.from(
      JSON.stringify({
        manifests: [
          ...manifests.map((manifest, at) => ({ digest: digestOf(manifest), platform: platforms[at] })),
          { digest: 'sha256:00', platform: { os: 'unknown', architecture: 'unknown' } },
        ],
      }),
    );
    const image = await ociLayout([{ digest: digestOf(inner) }], ...layers, ...manifests, inner);
    expect(Object.keys((await read(image)).entries)).toEqual(['own']);
  });
});

describe('of several layers shows', () => {
  const flat = async (...layers: Entry[][]) =>
    (await read(await dockerArchive(...(await Promise.all(layers.map((each) => tar(...each))))))).entries;

  test('the upper one’s file', async () => {
    expect(await flat([file('etc/a', 'old'), file('etc/b', 'b')], [file('etc/a', 'new')])).toEqual({
      'etc/a': 'new',
      'etc/b': 'b',
    });
  });

  test('nothing that was taken away, and what was put there again', async () => {
    const lower = [folder('etc/'), file('etc/a'), folder('var/'), file('var/x/y'), file('keep')];
    expect(Object.keys(await flat(lower, [file('etc/.wh.a'), file('.wh.var')]))).toEqual(['etc/', 'keep']);
    expect(await flat(lower, [file('etc/.wh.a')], [file('etc/a', 'again')])).toMatchObject({
      'etc/a': 'again',
    });
  });

  test('of an opaque folder only what is above', async () => {
    const lower = [folder('opt/'), file('opt/old'), file('optional')];
    const upper = [folder('opt/'), file('opt/.wh..wh..opq'), file('opt/new')];
    expect(Object.keys(await flat(lower, upper))).toEqual(['opt/', 'opt/new', 'optional']);
  });

  test('nothing below a folder that became a link', async () => {
    const entries = await flat(
      [folder('bin/'), file('bin/sh'), folder('usr/bin/')],
      [link('bin', 'usr/bin')],
    );
    expect(entries).toEqual({ bin: 'usr/bin', 'usr/bin/': '' });
  });

  test('another name of a file that its own layer has', async () => {
    const hard: Entry = { name: 'b', type: 'link', linkname: './a' };
    expect(await flat([file('x')], [file('a', 'text'), hard])).toEqual({ a: 'text', b: './a', x: '' });
    for (const above of [file('a', 'new'), file('.wh.a')]) {
      const layers = await Promise.all([[file('a', 'old'), hard], [above]].map((each) => tar(...each)));
      expect(await refusal(await dockerArchive(...layers))).toContain(
        'a hard link b to ./a, which another layer',
      );
    }
  });

  test('names of any length', async () => {
    const long = `${'d/'.repeat(80)}${'n'.repeat(180)}`;
    expect(await flat([file(long, 'far')], [file('x')])).toEqual({ x: '', [long]: 'far' });
  });
});

describe('refuses', () => {
  test('an image of which a layer is missing', async () => {
    const image = await tar(json('manifest.json', [{ Layers: ['gone/layer.tar'] }]));
    expect(await refusal(image)).toContain('gone/layer.tar is not in it');
  });

  test('several images in one', async () => {
    const image = await tar(json('manifest.json', [{ Layers: [] }, { Layers: [] }]));
    expect(await refusal(image)).toContain('holds 2 images');
  });

  test('an image without layers, and one whose manifest is damaged', async () => {
    expect(await refusal(await tar(json('manifest.json', [{ Layers: [] }])))).toContain('without layers');
    expect(await refusal(await tar(file('oci-layout', '{}')))).toContain('index.json is missing');
  });

  test('a tree cut short, while it is read', async () => {
    const image = await tgz(folder('bin/'), file('bin/sh', 'shell'.repeat(5000)));
    expect(await refusal(image.subarray(0, -20))).toContain('cut short');
  });
});

test('a stemcell for another backend is answered with the one to use', () => {
  const wanted = { backend: 'lxc', formats: ['warden-tar'], infrastructure: 'warden-boshlite' };
  const { message, hints } = unsuitableImage('qcow2', wanted);
  expect(message).toBe(
    'The stemcell holds a disk image (qcow2) for virtual machines; lxc takes stemcells of the format warden-tar',
  );
  expect(hints).toEqual(['use the warden-boshlite stemcell of the same version']);
});
