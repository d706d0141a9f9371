import type { DiskCid, VmCid } from '../../../../src/cpi/backend.ts';
import { MemoryHost } from '../../../support/memory-backend.ts';
import { MemoryCpi } from '../../../support/memory-cpi.ts';
import { stemcellFile } from './stemcell-file.ts';

export const networks = {
  private: {
    type: 'manual',
    ip: '10.1.0.6',
    netmask: '255.255.255.0',
    cloud_properties: {},
    later_key: 'kept',
  },
  public: {
    type: 'manual',
    ip: '10.0.0.6',
    netmask: '255.255.255.0',
    gateway: '10.0.0.1',
    default: ['dns', 'gateway'],
    cloud_properties: {},
  },
};

/** A network of another VM than that of `withVmAndDisk`. */
export const networkAt = (number: number) => ({ default: { ...networks.public, ip: `10.0.0.${number}` } });

export const env = { bosh: { password: '*', mbus: { cert: { private_key: 'agent-private-key' } } } };

/** A CPI on a new host that has a stemcell and nothing else. */
export async function withStemcell(): Promise<{ cpi: MemoryCpi; host: MemoryHost; stemcell: string }> {
  await using file = await stemcellFile();
  const host = new MemoryHost();
  const cpi = new MemoryCpi(host);
  return { cpi, host, stemcell: String(await cpi.call('create_stemcell', file.path, {})) };
}

/** The same, or the one given, with a running VM and a disk that is not attached. */
export async function withVmAndDisk(given?: Awaited<ReturnType<typeof withStemcell>>) {
  const world = given ?? (await withStemcell());
  const created = (await world.cpi.call('create_vm', 'agent-1', world.stemcell, {}, networks, [], env)) as [
    string,
  ];
  const disk = await world.cpi.call('create_disk', 512, { type: 'raw' }, created[0]);
  return { ...world, vm: created[0] as VmCid, disk: disk as DiskCid };
}
