import type { Network } from '../../../clients/libvirt/index.ts';
import { shortHash } from '../../../platform/ids.ts';
import { fillTemplate, markup } from '../../../platform/template.ts';
import { Undo } from '../../../platform/undo.ts';
import type { CreatedNetwork, NetworkCid, NetworkRequest } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { isNetworkCid } from '../cids.ts';
import { cloudErrorFrom, isRangeInUse } from '../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { vmRecords } from '../vm-records.ts';
import {
  formatAddress,
  formatRange,
  isForMachines,
  overlap,
  parseAddress,
  parseRange,
  type Range,
} from './addresses.ts';
import { rangesFor } from './free-range.ts';
import { lockOnHost } from './host-lock.ts';
import { readHostNetwork } from './host-network.ts';
import { allNetworks } from './look-up.ts';
import { type NetworkMode, parseNetworkProperties } from './network-properties.ts';

/** Makes a libvirt network named after the CID, in the environment's name. */
export async function createNetwork(
  host: LibvirtHost,
  cid: NetworkCid,
  request: NetworkRequest,
): Promise<CreatedNetwork> {
  const mode = modeOf(host, cid, request);
  const ranges = wantedRanges(cid, request);
  await using _ = await lockOnHost(host, 'ranges', 'create_network'); // or two would take ranges that overlap
  const taken = await takenRanges(host);
  for (const [at, range] of ranges.entries()) {
    const owner = taken.find((other) => overlap(other.range, range));
    if (owner && request.range !== undefined) throw rangeTaken(range, owner);
    if (owner) continue;
    const gateway = request.gateway === undefined ? firstIn(range) : gatewayIn(range, request.gateway);
    try {
      await make(host, { cid, mode, range, gateway });
      return {
        range: formatRange(range),
        gateway,
        reserved: [gateway],
        cloudProperties: { ...request.cloudProperties, name: cid },
      };
    } catch (error) {
      const isLast = at === ranges.length - 1;
      if (!isRangeInUse(error) || isLast) throw rangeError(error, cid, range);
      host.log.info(`${formatRange(range)} is in use on the hypervisor's machine: trying another range`);
    }
  }
  throw new CloudError(
    'CloudError',
    `create_network: each range that was tried overlaps another network’s: ${ranges.map(formatRange).join(', ')}`,
    { hints: ['name a range that is free; virsh net-list shows the networks that there are'] },
  );
}

/** Deletes what create_network has made; one that is gone, or never was, is no error. */
export async function deleteNetwork(host: LibvirtHost, cid: NetworkCid): Promise<void> {
  const network = isNetworkCid(cid) ? await host.libvirt.findNetwork(cid) : undefined;
  if (!network) {
    host.log.info(`network ${cid} is not there: nothing to delete`);
    return;
  }
  const [{ connections }, records] = await Promise.all([
    network.xml().then(readHostNetwork),
    vmRecords(host.libvirt),
  ]);
  const users = records.filter(({ nics }) => nics.some((nic) => nic.hostNetwork === cid));
  if (users.length > 0 || connections > 0) {
    const who = users.map((vm) => vm.cid).join(', ') || `${connections} NICs of others`;
    throw new CloudError('CloudError', `Network ${cid} cannot be deleted while VMs are on it: ${who}`, {
      hints: ['delete those VMs first: delete_vm'],
    });
  }
  await removeNetwork(network);
}

/** Stops and forgets a network, whatever state it is in. */
export async function removeNetwork(network: Network): Promise<void> {
  if (await network.isActive()) await network.destroy();
  await network.undefine();
}

function modeOf(host: LibvirtHost, cid: string, request: NetworkRequest): Exclude<NetworkMode, 'bridge'> {
  const { mode = 'nat' } = parseNetworkProperties(cid, request.cloudProperties, host.log);
  if (mode !== 'bridge') return mode;
  throw new CloudError('NotSupported', 'create_network: a bridge of the host’s own is there or is not', {
    hints: [
      'use it without managed: true, in a network with cloud_properties: { mode: bridge, bridge: NAME }',
      'or let the network be made with mode nat, isolated or routed',
    ],
  });
}

function wantedRanges(cid: string, { range, gateway, netmaskBits }: NetworkRequest): Range[] {
  if (range !== undefined) {
    const parsed = parseRange(range);
    if (parsed) return [parsed];
    throw new CloudError('CloudError', `create_network: '${range}' is no range`, {
      hints: ['write it like 10.20.0.0/24 or fd00:20::/64, with the network’s first address'],
    });
  }
  if (gateway !== undefined)
    throw new CloudError('CloudError', `create_network: gateway ${gateway} needs a range that it lies in`);
  return rangesFor(cid, netmaskBits);
}

function gatewayIn(range: Range, gateway: string): string {
  const address = parseAddress(gateway);
  if (address && isForMachines(range, address)) return formatAddress(address);
  throw new CloudError(
    'CloudError',
    `create_network: gateway ${gateway} is no address for a machine in ${formatRange(range)}`,
  );
}

const firstIn = ({ family, first }: Range): string => formatAddress({ family, value: first + 1n });

interface TakenRange {
  readonly range: Range;
  readonly network: string;
}

/** What all of libvirt's networks have, or lead to, also those that are stopped. It finds only clashes that are exact by itself. */
async function takenRanges(host: LibvirtHost): Promise<TakenRange[]> {
  const networks = await allNetworks(host.libvirt);
  return networks.flatMap(({ name, ranges, routes }) =>
    [...ranges, ...routes].map(({ range }) => ({ range, network: name })),
  );
}

function rangeTaken(range: Range, { network, range: other }: TakenRange): CloudError {
  return new CloudError(
    'CloudError',
    `create_network: ${formatRange(range)} overlaps ${formatRange(other)} of libvirt’s network '${network}'`,
    { code: 'ADDRESS_CONFLICT', hints: ['name another range, or delete that network'] },
  );
}

function rangeError(error: unknown, cid: string, range: Range): CloudError {
  return cloudErrorFrom(error, `Making network ${cid} (${formatRange(range)})`);
}

interface NewNetwork {
  readonly cid: NetworkCid;
  readonly mode: Exclude<NetworkMode, 'bridge'>;
  readonly range: Range;
  readonly gateway: string;
}

/** Defines and starts it; if that fails nothing is left. */
async function make(host: LibvirtHost, { cid, mode, range, gateway }: NewNetwork): Promise<void> {
  await using undo = new Undo(host.log);
  const xml = fillTemplate('libvirt/managed-network.xml', {
    cid,
    environment: host.config.environment,
    forward: markup(forwards[mode]),
    bridge: bridgeFor(cid),
    family: range.family === 4 ? 'ipv4' : 'ipv6',
    gateway,
    prefixLength: range.prefixLength,
  });
  undo.defer(`remove network ${cid}`, async () => {
    const made = await host.libvirt.findNetwork(cid);
    if (made) await removeNetwork(made);
  });
  const network = await host.libvirt.defineNetwork(xml);
  await network.setAutostart(true);
  await network.start();
  undo.keep();
}

const forwards: Readonly<Record<NewNetwork['mode'], string>> = {
  nat: '<forward mode="nat"><nat ipv6="yes"/></forward>',
  routed: '<forward mode="route"/>',
  isolated: '',
};

/** Named here: of two networks whose bridges libvirt names at once one may fail (libvirt-spikes.md 7). At most 15 characters. */
const bridgeFor = (cid: string): string => `bvn-${shortHash(cid, 11)}`;
