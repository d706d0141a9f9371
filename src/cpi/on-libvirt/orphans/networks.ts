import type { Orphan, Owners } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { readHostNetwork } from '../networks/host-network.ts';
import { allNetworks } from '../networks/look-up.ts';
import { removeNetwork } from '../networks/managed-networks.ts';
import { isGone, type Remains } from './remains.ts';

/** Networks that carry the name of an environment that is gone: its own, and those that its director had made. */
export const orphanNetworks: Remains = {
  kind: 'network',
  async find({ libvirt, config }: LibvirtHost, { gone }: Owners): Promise<Orphan[]> {
    if (!gone) return [];
    const own = (await allNetworks(libvirt)).filter(({ environment }) => environment === config.environment);
    const why = isGone(config.environment);
    return own.map(({ name }) => ({ kind: 'network', name, why, bytesOnDisk: 0 }));
  },
  async remove({ libvirt }, name) {
    const network = await libvirt.findNetwork(name);
    if (!network) return;
    const { connections } = readHostNetwork(await network.xml());
    if (connections > 0)
      throw new CloudError('CloudError', `Network ${name} stays: ${connections} NICs are plugged into it`);
    await removeNetwork(network);
  },
};
