/** The choice among the real backends, on whatever machine this is. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { backendNames } from '../../../src/cpi/backends/registry.ts';
import { chooseBackend } from '../../../src/environment/choose-backend.ts';
import { tarball } from '../../../src/release/tarball.ts';
import { recordWith } from '../../support/environment-record.ts';

/** The name of what is chosen while a stemcell of these formats is there. */
async function chosenFor(formats: readonly string[] | undefined, backend?: string): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'choose-'));
  const stemcell = join(folder.path, 'stemcell.tgz');
  const manifest = { name: 's', ...(formats && { stemcell_formats: formats }) };
  await writeFile(stemcell, await tarball([{ name: './stemcell.MF', content: stringify(manifest) }]));
  return (await chooseBackend({ stemcell, backend }, undefined)).module.name;
}

test.each(backendNames)(
  '%s, asked for, is chosen, and so it is by its drivers and its stemcells',
  async (name) => {
    const { module, why } = await chooseBackend({ backend: name }, undefined);
    expect([module.name, why]).toEqual([name, 'as asked for']);
    for (const driver of module.drivers) {
      const uris = [`${driver}:///system`, ...(module.remote ? [`${driver}+ssh://host/system`] : [])];
      for (const uri of uris) expect((await chooseBackend({ uri }, undefined)).module).toBe(module);
      expect((await chooseBackend({ uri: uris[0], backend: 'auto' }, undefined)).module).toBe(module);
    }
    for (const format of module.traits.stemcellFormats) expect(await chosenFor([format])).toBe(name);
  },
);

test('an environment stays on what it was made with', async () => {
  const uri = 'qemu+ssh://host/system';
  const { module } = await chooseBackend({}, recordWith({ backend: 'qemu', uri }));
  expect(module.name).toBe('qemu');
});

test('where nothing decides, it is the first that can be here, and its drawbacks are told', async () => {
  const { module, why } = await chooseBackend({ backend: 'auto' }, undefined);
  expect(backendNames).toContain(module.name);
  expect(why).toMatch(/^works here/);
  const findings = await Promise.all((await module.preflight()).checks.map((check) => check.look()));
  expect(findings.filter(({ status }) => status === 'fail')).toEqual([]);
  for (const { status, detail } of findings) if (status === 'warn') expect(why).toContain(detail);
});

describe('what does not go together', () => {
  test('a driver that no backend works with', async () => {
    await expect(chooseBackend({ uri: 'vbox:///session' }, undefined)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining("'vbox'"),
      hints: [expect.stringContaining('qemu')],
    });
  });

  test('a backend and the URI of another one’s driver', async () => {
    const request = { uri: 'lxc:///system', backend: 'qemu' };
    await expect(chooseBackend(request, undefined)).rejects.toMatchObject({
      code: 'USAGE',
      message: 'The backend qemu does not work with lxc:///system',
    });
  });

  test.each([undefined, 'lxc'])(
    'another machine’s libvirt and a backend that works on this one (%s)',
    async (backend) => {
      const request = { uri: 'lxc+ssh://host/system', backend };
      await expect(chooseBackend(request, undefined)).rejects.toMatchObject({
        code: 'USAGE',
        message: 'The backend lxc does not work with lxc+ssh://host/system',
        hints: [expect.stringContaining('on this machine')],
      });
    },
  );

  test.each([
    ['warden-tar', 'qemu', 'lxc'],
    ['openstack-qcow2', 'lxc', 'qemu'],
  ])('a stemcell with the format %s and the backend %s', async (format, backend, other) => {
    await expect(chosenFor([format], backend)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`has the format ${format}, which ${backend} does not take`),
      hints: [`--backend ${other} takes it`, expect.stringContaining(`${backend} takes `)],
    });
  });

  test('what is no URI', async () => {
    await expect(chooseBackend({ uri: 'localhost' }, undefined)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('a stemcell that decides nothing', () => {
  test.each<[string, string[] | undefined]>([
    ['it names no format', undefined],
    ['it names one that nobody takes', ['aws-light']],
  ])('%s', async (_, formats) => {
    expect(await chosenFor(formats, 'qemu')).toBe('qemu');
    expect(backendNames).toContain(await chosenFor(formats));
  });

  test.each([
    ['it is not there', undefined],
    ['it is text', Buffer.from('hello')],
    ['it is cut off', gzipSync(Buffer.alloc(5000)).subarray(0, 20)],
  ])('%s: whoever reads it will say so', async (_, content) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'choose-'));
    const stemcell = join(folder.path, 'stemcell.tgz');
    if (content) await writeFile(stemcell, content);
    expect((await chooseBackend({ stemcell, backend: 'qemu' }, undefined)).module.name).toBe('qemu');
  });
});
