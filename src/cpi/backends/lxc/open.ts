import { release } from 'node:os';
import { parseUri } from '../../../clients/libvirt/index.ts';
import type { Log } from '../../../platform/log.ts';
import type { Backend, BackendConfig } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { LibvirtDisks } from '../../on-libvirt/disks.ts';
import { LibvirtGround } from '../../on-libvirt/ground.ts';
import { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { LibvirtNetworks } from '../../on-libvirt/networks.ts';
import { LibvirtStemcells } from '../../on-libvirt/stemcells.ts';
import { diskFiles } from './disk-files.ts';
import { disksIn } from './domain-disks.ts';
import { parseOptions } from './options.ts';
import { orphanDevices } from './orphan-devices.ts';
import { RootImages } from './root-images.ts';
import { LxcSettings } from './settings.ts';
import { LxcSnapshots } from './snapshots.ts';
import { LxcVms } from './vms.ts';
import { vmVolumes } from './volume-names.ts';

/** Connects to libvirt and hands out the stores. */
export async function openLxc(config: BackendConfig, log: Log): Promise<Backend> {
  const options = parseOptions(config.options);
  refuseElsewhere(config.uri);
  const host = await LibvirtHost.open(config, log);
  const vms = new LxcVms(host, options);
  return {
    stemcells: new LibvirtStemcells(host, new RootImages(host)),
    vms,
    disks: new LibvirtDisks(host, diskFiles(host)),
    networks: new LibvirtNetworks(host),
    settings: new LxcSettings(host),
    ground: groundOf(host, vms),
    snapshots: new LxcSnapshots(host, vms),
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
    },
  };
}

/** Loop devices and file systems are made here, for containers here. */
function refuseElsewhere(uri: string): void {
  if (parseUri(uri).host === undefined) return;
  throw new CloudError(
    'NotSupported',
    `The backend lxc works on the machine of its containers, not through ${uri}`,
    {
      hints: ['run the CPI on that machine, with lxc:///system'],
    },
  );
}

const groundOf = (host: LibvirtHost, vms: LxcVms) =>
  new LibvirtGround(host, {
    diskVolume: /^(disk-[0-9a-f]{15})\.img$/,
    snapshotVolume: /^(snap-[0-9a-f]{15})\.img$/,
    disksIn: (xml) => disksIn(xml).map(({ cid }) => cid),
    consoleVolume: vmVolumes.console,
    start: async (vm) => await vms.start(vm),
    letGo: async (domain) => await vms.letGo(domain),
    remains: [orphanDevices],
    accelerator: async () => `containers on this machine’s kernel (${release()})`,
  });
