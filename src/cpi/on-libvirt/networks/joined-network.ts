import { fillTemplate } from '../../../platform/template.ts';
import { CloudError } from '../../errors.ts';
import { cloudErrorFrom } from '../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { readHostNetwork } from './host-network.ts';

/**
 * Makes and starts a network that is a bridge alone, for one that is made longer onto it from another host: that host's libvirt has
 * the addresses, the names and the way out. Throws a CloudError for another network of that name.
 */
export async function prepareJoinedNetwork(host: LibvirtHost, bridge: string): Promise<void> {
  const { libvirt, config } = host;
  const { network: name, environment } = config;
  try {
    let network = await libvirt.findNetwork(name);
    if (network) refuseOther(environment, readHostNetwork(await network.xml()));
    network ??= await libvirt.defineNetwork(
      fillTemplate('libvirt/joined-network.xml', { name, environment, bridge }),
    );
    await network.setAutostart(true);
    if (!(await network.isActive())) await network.start();
  } catch (error) {
    throw cloudErrorFrom(error, `Making network ${name} (bridge ${bridge})`);
  }
}

function refuseOther(
  own: string,
  {
    name,
    environment,
    ranges,
  }: { name: string; environment: string | undefined; ranges: readonly unknown[] },
): void {
  if (environment === own && ranges.length === 0) return;
  throw new CloudError('CloudError', `There is another network '${name}' already`, {
    hints: [`virsh net-dumpxml ${name} shows it; if nobody needs it, delete it`],
  });
}
