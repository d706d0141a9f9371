import { LibvirtError, libvirtErrors, type Network } from '../../../clients/libvirt/index.ts';
import { fillTemplate } from '../../../platform/template.ts';
import type { NetworkSpec } from '../../agent/networks.ts';
import type { NicPlan, VmCid, VmSpec } from '../../backend.ts';
import { networkNotFound } from '../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { vmRecords } from '../vm-records.ts';
import { canonicalAddress } from './addresses.ts';
import { chooseDynamicAddress } from './dynamic-address.ts';
import { lockOnHost } from './host-lock.ts';
import { type Reservation, readHostNetwork } from './host-network.ts';
import type { WantedNetwork } from './nics.ts';

/**
 * Addresses of a VM's dynamic networks, by the networks' names. The networks stay locked until `reserveAddresses` or the end of
 * the process: no other process looks for a free address before this one's VM is defined and seen.
 */
export async function chooseAddresses(
  host: LibvirtHost,
  vm: VmCid,
  networks: readonly WantedNetwork[],
): Promise<Map<string, NetworkSpec>> {
  const dynamic = networks.filter(({ spec }) => spec.type === 'dynamic');
  const chosen = new Map<string, NetworkSpec>();
  // sorted: two processes that lock the same two networks must not wait for each other
  for (const hostNetwork of [...new Set(dynamic.map((each) => each.hostNetwork))].sort()) {
    host.locks.add(await lockOnHost(host, `addresses of ${hostNetwork}`, 'choosing an address'));
    const network = await existingNetwork(host, hostNetwork);
    await dropStaleReservations(host, network);
    const taken = await takenAddresses(host, network);
    for (const { name, spec } of dynamic.filter((each) => each.hostNetwork === hostNetwork)) {
      const planned = chooseDynamicAddress(
        readHostNetwork(await network.xml()),
        spec,
        taken,
        `${vm}/${name}`,
      );
      taken.add(planned.ip ?? '');
      chosen.set(name, planned);
    }
  }
  return chosen;
}

async function existingNetwork(host: LibvirtHost, name: string): Promise<Network> {
  const network = await host.libvirt.findNetwork(name);
  if (!network) throw networkNotFound(name, host.config.uri);
  return network;
}

/** What VMs have or had a moment ago: an address that is leased would not be given to another MAC. */
async function takenAddresses(host: LibvirtHost, network: Network): Promise<Set<string>> {
  const [xml, records, leases] = await Promise.all([
    network.xml(),
    vmRecords(host.libvirt),
    network.leases(),
  ]);
  const ofVms = records.flatMap(({ nics }) => nics.filter((nic) => nic.hostNetwork === network.name));
  return new Set(
    [
      ...ofVms.flatMap(({ ips }) => ips),
      ...readHostNetwork(xml).reservations.map(({ ip }) => ip),
      ...leases.map(({ ip }) => ip),
    ].map(canonicalAddress),
  );
}

/** The name says whose a reservation is. The driver's too: qemu's list of VMs tells nothing of lxc's. */
const reservationName = (host: LibvirtHost, vm: string, at: number): string => `${vm}-${host.driver}-${at}`;

async function dropStaleReservations(host: LibvirtHost, network: Network): Promise<void> {
  for (const { mac, vm } of await staleReservations(host, network)) {
    host.log.info(`network ${network.name}: the address of VM ${vm}, which is gone, is free again`);
    await dropReservation(network, mac);
  }
}

interface StaleReservation extends Reservation {
  readonly vm: string;
}

/** Reservations of VMs that are gone: a delete_vm that was killed may leave one, as it may a network that was off. */
export async function staleReservations(host: LibvirtHost, network: Network): Promise<StaleReservation[]> {
  const { reservations } = readHostNetwork(await network.xml());
  const ours = new RegExp(`^(vm-[0-9a-f]{17})-${host.driver}-\\d+$`);
  const named = reservations.flatMap((reservation) => {
    const vm = ours.exec(reservation.name)?.[1];
    return vm === undefined ? [] : [{ ...reservation, vm }];
  });
  if (named.length === 0) return [];
  // asked for after the reservations: a VM is defined before it has one
  const there = new Set((await host.libvirt.listDomains()).map((domain) => domain.name));
  return named.filter(({ vm }) => !there.has(vm));
}

/** Lets DHCP give a defined VM the addresses that were chosen for it, and nobody else. */
export async function reserveAddresses(host: LibvirtHost, spec: VmSpec): Promise<void> {
  for (const [at, nic] of spec.nics.entries()) {
    const dynamic = nic.networks
      .map((name) => spec.networks[name])
      .find((network) => network?.type === 'dynamic');
    if (!dynamic?.ip) continue;
    const name = reservationName(host, spec.cid, at);
    const xml = fillTemplate('libvirt/dhcp-host.xml', { mac: nic.mac, name, ip: dynamic.ip });
    const network = await existingNetwork(host, nic.hostNetwork);
    await network.update({
      command: 'add-last',
      section: 'ip-dhcp-host',
      xml,
      live: await network.isActive(),
      config: true,
    });
  }
}

/** Gives up what `reserveAddresses` has taken, before the VM's definition goes. Idempotent; a network that is gone is no error. */
export async function releaseAddresses(host: LibvirtHost, nics: readonly NicPlan[]): Promise<void> {
  for (const { mac, hostNetwork } of nics) {
    const network = await host.libvirt.findNetwork(hostNetwork);
    if (!network) continue;
    const { reservations } = readHostNetwork(await network.xml());
    if (reservations.some((each) => each.mac === mac)) await dropReservation(network, mac);
  }
}

/** Idempotent. */
export async function dropReservation(network: Network, mac: string): Promise<void> {
  try {
    await network.update({
      command: 'delete',
      section: 'ip-dhcp-host',
      xml: `<host mac="${mac}"/>`,
      live: await network.isActive(),
      config: true,
    });
  } catch (error) {
    // OPERATION_INVALID: no such host; somebody else was quicker
    if (!(error instanceof LibvirtError && error.is(libvirtErrors.OPERATION_INVALID))) throw error;
  }
}
