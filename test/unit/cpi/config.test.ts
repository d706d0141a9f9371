import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCpiConfig } from '../../../src/cpi/config.ts';

async function readText(text: string) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-config-'));
  const path = join(folder.path, 'cpi.json');
  await writeFile(path, text);
  return await readCpiConfig(path);
}

const read = async (content: unknown) => await readText(JSON.stringify(content));

describe('cpi.json', () => {
  test('without a file, and with an empty one, everything has its default', async () => {
    const defaults = {
      backend: 'qemu',
      environment: 'default',
      agent: { mbus: '', blobstore: null, ntp: [] },
      uri: undefined,
      storagePool: 'boshvirt-default',
      network: 'boshvirt-default',
      options: {},
    };
    expect(await readCpiConfig(undefined)).toEqual(defaults);
    expect(await read({})).toEqual(defaults);
  });

  test('reads what the release’s template writes', async () => {
    const config = await read({
      backend: 'qemu',
      environment: 'lab',
      agent: {
        mbus: 'https://m:p@0.0.0.0:6868',
        blobstore: { provider: 'dav', options: { user: 'a' } },
        ntp: ['t'],
      },
      libvirt: { uri: 'qemu:///session' },
      storage_pool: 'pool-x',
      network: 'net-x',
      qemu: { machine: 'q35' },
    });
    expect(config).toEqual({
      backend: 'qemu',
      environment: 'lab',
      agent: {
        mbus: 'https://m:p@0.0.0.0:6868',
        blobstore: { provider: 'dav', options: { user: 'a' } },
        ntp: ['t'],
      },
      uri: 'qemu:///session',
      storagePool: 'pool-x',
      network: 'net-x',
      options: { machine: 'q35' },
    });
  });

  test('null stands for a property that nobody set', async () => {
    expect(await read({ agent: { blobstore: null, ntp: null }, qemu: null })).toMatchObject({
      agent: { mbus: '', blobstore: null, ntp: [] },
      options: {},
    });
  });

  test('a backend’s options stand under its name, and those of others are left alone', async () => {
    const both = { qemu: { machine: 'q35' }, lxc: { one: 1 } };
    expect(await read({ ...both, backend: 'lxc' })).toMatchObject({ options: { one: 1 } });
    expect(await read({ ...both, backend: 'other' })).toMatchObject({ options: {} });
    await expect(read({ backend: 'lxc', lxc: 'none' })).rejects.toThrow(/cpi\.json is wrong: lxc: .*record/);
    expect(await read({ backend: 'qemu', lxc: 'none' })).toMatchObject({ options: {} });
  });

  test('a later version’s keys do no harm', async () => {
    expect(await read({ network: 'n', brand_new: 1 })).toMatchObject({ network: 'n' });
  });

  test.each([
    ['a wrong type', { agent: { ntp: 'one' } }, /cpi\.json is wrong: agent: ntp: .*array/],
    ['a list', [], /cpi\.json is wrong/],
    ['libvirt as text', { libvirt: 'qemu:///system' }, /libvirt: .*object/],
  ])('names the file and the key: %s', async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(message);
    await expect(read(content)).rejects.toMatchObject({ type: 'CpiError' });
  });

  test('a missing file is named; a broken one is not quoted, since it holds a password', async () => {
    await expect(readCpiConfig('/nonexistent/cpi.json')).rejects.toThrow(
      '/nonexistent/cpi.json cannot be read: ENOENT',
    );
    const broken = readText('{"agent": {"mbus": hunter22}}');
    await expect(broken).rejects.toThrow(/cpi\.json cannot be read: Unexpected token/);
    await expect(broken).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter') }),
    );
  });
});
