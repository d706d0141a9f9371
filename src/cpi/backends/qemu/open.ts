import type { Log } from '../../../platform/log.ts';
import type { Backend, BackendConfig } from '../../backend.ts';
import { LibvirtDisks } from '../../on-libvirt/disks.ts';
import { LibvirtGround } from '../../on-libvirt/ground.ts';
import { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { LibvirtNetworks } from '../../on-libvirt/networks.ts';
import { LibvirtStemcells } from '../../on-libvirt/stemcells.ts';
import { domainType } from './accelerator.ts';
import { BootImages } from './boot-images.ts';
import { diskVolumes } from './disk-volumes.ts';
import { disksIn } from './domain-disks.ts';
import { parseOptions, type QemuOptions } from './options.ts';
import { QemuSettings } from './settings.ts';
import { QemuSnapshots } from './snapshots.ts';
import { QemuSuspension } from './suspension.ts';
import { QemuVms } from './vms.ts';
import { vmVolumes } from './volume-names.ts';

/** Connects to libvirt and hands out the stores. */
export async function openQemu(config: BackendConfig, log: Log): Promise<Backend> {
  const options = parseOptions(config.options);
  const host = await LibvirtHost.open(config, log);
  const suspension = new QemuSuspension(host);
  return {
    stemcells: new LibvirtStemcells(host, new BootImages(host)),
    vms: new QemuVms(host, options),
    disks: new LibvirtDisks(host, diskVolumes(host)),
    networks: new LibvirtNetworks(host),
    settings: new QemuSettings(host),
    ground: groundOf(host, options, suspension),
    snapshots: new QemuSnapshots(host),
    suspension,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
    },
  };
}

const groundOf = (host: LibvirtHost, options: QemuOptions, suspension: QemuSuspension) =>
  new LibvirtGround(host, {
    diskVolume: /^(disk-[0-9a-f]{15})\.qcow2$/,
    snapshotVolume: /^(snap-[0-9a-f]{15})\.qcow2$/,
    disksIn: (xml) => disksIn(xml).flatMap(({ diskCid }) => diskCid ?? []),
    consoleVolume: vmVolumes.console,
    start: async (vm) => await suspension.resume(vm),
    accelerator: async () => ((await domainType(host, options)) === 'kvm' ? 'kvm' : 'emulated (TCG)'),
  });
