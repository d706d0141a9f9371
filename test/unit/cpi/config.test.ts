import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hostWanted, readCpiConfig } from '../../../src/cpi/config.ts';

async function readText(text: string, host?: string) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-config-'));
  const path = join(folder.path, 'cpi.json');
  await writeFile(path, text);
  return await readCpiConfig(path, host);
}

const read = async (content: unknown, host?: string) => await readText(JSON.stringify(content), host);

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

describe('hosts', () => {
  const far = {
    backend: 'qemu',
    environment: 'lab-12ab34',
    libvirt: { uri: 'qemu+ssh://root@far/system' },
    storage_pool: 'far-pool',
    network: 'far-net',
    qemu: { machine: 'pc' },
  };
  const content = {
    backend: 'lxc',
    agent: { mbus: 'nats://192.168.150.10:4222' },
    network: 'near-net',
    hosts: { far },
  };

  test('a host that is named takes the place of the CPI’s own; agents are told the same', async () => {
    expect(await read(content, 'far')).toEqual({
      backend: 'qemu',
      environment: 'lab-12ab34',
      agent: { mbus: 'nats://192.168.150.10:4222', blobstore: null, ntp: [] },
      uri: 'qemu+ssh://root@far/system',
      storagePool: 'far-pool',
      network: 'far-net',
      options: { machine: 'pc' },
    });
    expect(await read(content)).toMatchObject({ backend: 'lxc', network: 'near-net', uri: undefined });
  });

  test.each(['other', '__proto__', 'toString'])(
    '%s, which is not there, is told with those that are',
    async (name) => {
      await expect(read(content, name)).rejects.toThrow(`'${name}', which is not in`);
      await expect(read(content, name)).rejects.toThrow('(there: far)');
      await expect(read({ hosts: null }, name)).rejects.toThrow('(there: none)');
    },
  );

  test('a host without its own place is refused: it would be the CPI’s', async () => {
    const { storage_pool: _, ...less } = far;
    await expect(read({ hosts: { far: less } })).rejects.toThrow('hosts: far: storage_pool');
    await expect(read({ hosts: { far: { ...far, libvirt: {} } } })).rejects.toThrow(
      'hosts: far: libvirt: uri',
    );
  });

  const request = (context: unknown) =>
    JSON.stringify({ method: 'info', arguments: ['boshvirt_host'], context });

  test.each([
    ['the context names', { boshvirt_host: 'far', director_uuid: 'd' }, 'far'],
    ['an empty name', { boshvirt_host: '' }, undefined],
    ['no context', null, undefined],
    ['an argument alone', {}, undefined],
  ])('%s', (_, context, host) => {
    expect(hostWanted(request(context))).toBe(host);
  });

  test('what is no name is refused, and text that is no request left to others', () => {
    expect(() => hostWanted(request({ boshvirt_host: { uri: 'qemu:///system' } }))).toThrow('no text');
    expect(hostWanted('{"boshvirt_host":')).toBeUndefined();
    expect(hostWanted('[]')).toBeUndefined();
    expect(hostWanted('null "boshvirt_host"')).toBeUndefined();
  });
});
