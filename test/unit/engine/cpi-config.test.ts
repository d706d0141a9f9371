import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCpiConfig } from '../../../src/cpi/config.ts';
import { cpiConfigFrom } from '../../../src/engine/cpi-config.ts';
import type { NodeMap } from '../../../src/engine/template/index.ts';

/** What the CPI makes of a manifest's `cloud_provider.properties`. */
async function asRead(properties: NodeMap) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-cpi-config-'));
  const path = join(folder.path, 'cpi.json');
  await writeFile(path, JSON.stringify(cpiConfigFrom(properties)));
  return await readCpiConfig(path);
}

test('every property arrives at the CPI', async () => {
  const blobstore = { provider: 'local', options: { blobstore_path: '/var/vcap/micro_bosh/data/cache' } };
  const read = await asRead({
    libvirt: { uri: 'qemu+unix:///session', network_namespace: '/run/netns/n' },
    boshvirt: {
      backend: 'qemu',
      command: '/opt/boshvirt',
      environment: 'e',
      storage_pool: 'p',
      network: 'n',
      qemu: { machine: 'q35' },
    },
    agent: { mbus: 'https://mbus:pw@0.0.0.0:6868' },
    blobstore,
    ntp: ['time.example'],
  });
  expect(read).toEqual({
    backend: 'qemu',
    environment: 'e',
    uri: 'qemu+unix:///session',
    storagePool: 'p',
    network: 'n',
    networkNamespace: '/run/netns/n',
    options: { machine: 'q35' },
    agent: { mbus: 'https://mbus:pw@0.0.0.0:6868', blobstore, ntp: ['time.example'] },
  });
});

test('what a manifest leaves out is the CPI’s default', async () => {
  expect(await asRead({ boshvirt: { qemu: null }, ntp: null })).toEqual(await readCpiConfig(undefined));
});
