import { type Network, parseXml } from '../../../clients/libvirt/index.ts';
import type { Orphan, Owners } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { isGone, type Remains } from './remains.ts';

const namespace = 'urn:boshvirt:network:1';

/** Networks that carry the name of an environment that is gone: its own, and those that its director had made. */
export const orphanNetworks: Remains = {
  kind: 'network',
  async find(host: LibvirtHost, { gone }: Owners): Promise<Orphan[]> {
    if (!gone) return [];
    const { environment } = host.config;
    const networks = await Promise.all(
      (await host.libvirt.listNetworks()).map(async (network) => ({
        name: network.name,
        of: await environmentOf(network),
      })),
    );
    return networks
      .filter(({ of }) => of === environment)
      .map(({ name }) => ({ kind: 'network', name, why: isGone(environment), bytesOnDisk: 0 }));
  },
  async remove(host, name) {
    const network = await host.libvirt.findNetwork(name);
    if (!network) return;
    const users = Number(
      parseXml(await network.xml())
        .child('network')
        ?.attribute('connections') ?? 0,
    );
    if (users > 0) throw new CloudError('CloudError', `Network ${name} stays: ${users} NICs are plugged in`);
    if (await network.isActive()) await network.destroy();
    await network.undefine();
  },
};

/** The environment that a network was made for; undefined for other people's. */
export async function environmentOf(network: Network): Promise<string | undefined> {
  const xml = await network.xml();
  if (!xml.includes(namespace)) return undefined;
  return parseXml(xml).at('network', 'metadata', 'network')?.attribute('environment');
}
