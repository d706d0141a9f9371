import type { Network } from '../../../clients/libvirt/index.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { dropReservation, staleReservations } from '../networks/dynamic-networks.ts';
import { managedNetworks } from '../networks/look-up.ts';
import type { Remains } from './remains.ts';

/** Addresses that the environment's networks keep for VMs that are gone. */
export const orphanReservations: Remains = {
  kind: 'reservation',
  async find(host) {
    return (await stale(host)).map(({ name, vm }) => ({
      kind: 'reservation',
      name,
      why: `the VM ${vm} is gone`,
      bytesOnDisk: 0,
    }));
  },
  async remove(host, name) {
    const found = (await stale(host)).find((reservation) => reservation.name === name);
    if (found) await dropReservation(found.network, found.mac);
  },
};

async function stale(host: LibvirtHost) {
  const found = await Promise.all((await networksOf(host)).map((network) => staleIn(host, network)));
  return found.flat();
}

async function staleIn(host: LibvirtHost, network: Network) {
  const reservations = await staleReservations(host, network);
  return reservations.map(({ mac, ip, vm }) => ({ name: `${network.name}/${ip}`, mac, vm, network }));
}

/** Its own one, whoever made it, and those made for its director. */
async function networksOf({ libvirt, config }: LibvirtHost): Promise<Network[]> {
  const own = await libvirt.findNetwork(config.network);
  const managed = await managedNetworks(libvirt, config.environment);
  return own ? [own, ...managed] : managed;
}
