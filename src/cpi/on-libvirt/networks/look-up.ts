import { type Libvirt, LibvirtError, libvirtErrors, type Network } from '../../../clients/libvirt/index.ts';
import { isNetworkCid } from '../cids.ts';
import { type HostNetwork, readHostNetwork } from './host-network.ts';

/** All of libvirt's networks, running or not, anybody's. */
export async function allNetworks(libvirt: Libvirt): Promise<HostNetwork[]> {
  const read = await Promise.all((await libvirt.listNetworks()).map(readUnlessGone));
  return read.filter((network) => network !== undefined);
}

/** The networks that create_network has made for an environment. */
export async function managedNetworks(libvirt: Libvirt, environment: string): Promise<Network[]> {
  const named = (await libvirt.listNetworks()).filter((network) => isNetworkCid(network.name));
  const read = await Promise.all(named.map(readUnlessGone));
  return named.filter((_, at) => read[at]?.environment === environment);
}

async function readUnlessGone(network: Network): Promise<HostNetwork | undefined> {
  try {
    return readHostNetwork(await network.xml());
  } catch (error) {
    if (error instanceof LibvirtError && error.is(libvirtErrors.NO_NETWORK)) return undefined;
    throw error;
  }
}
