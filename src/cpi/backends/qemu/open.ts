import type { Log } from '../../../platform/log.ts';
import type { Backend, BackendConfig } from '../../backend.ts';
import { QemuDisks } from './disks.ts';
import { QemuGround } from './ground.ts';
import { QemuHost } from './host.ts';
import { QemuNetworks } from './networks.ts';
import { QemuSettings } from './settings.ts';
import { QemuSnapshots } from './snapshots.ts';
import { QemuStemcells } from './stemcells.ts';
import { QemuVms } from './vms.ts';

/** Connects to libvirt and hands out the stores. */
export async function openQemu(config: BackendConfig, log: Log): Promise<Backend> {
  const host = await QemuHost.open(config, log);
  return {
    stemcells: new QemuStemcells(host),
    vms: new QemuVms(host),
    disks: new QemuDisks(host),
    networks: new QemuNetworks(host),
    settings: new QemuSettings(host),
    ground: new QemuGround(host),
    snapshots: new QemuSnapshots(host),
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
    },
  };
}
