import { isIP } from 'node:net';
import type { Node, NodeMap } from '../../template/index.ts';
import { netmaskOf, parseCidr } from './cidr.ts';
import type { ManifestReader } from './reader.ts';

/**
 * create_vm's networks: one entry for each network of the group, in its order (contract 1.6). A lone network is the default
 * for dns and gateway whatever it says; among several the manifest has to name one for each.
 */
export function networksOf(reader: ManifestReader, manifest: NodeMap, group: NodeMap): NodeMap {
  const where = 'instance_groups/0/networks';
  const wanted = reader.maps(group, 'networks', 'instance_groups/0');
  if (wanted.length === 0) reader.problem(where, 'the machine needs a network');
  const networks: NodeMap = {};
  for (const [at, entry] of wanted.entries()) {
    const name = reader.text(entry, 'name', `${where}/${at}`);
    const defaults =
      wanted.length === 1 ? ['dns', 'gateway'] : reader.texts(entry, 'default', `${where}/${at}`);
    const spec = networkOf(reader, manifest, entry, `${where}/${at}`);
    networks[name] = { ...spec, ...(defaults.length > 0 ? { default: defaults } : {}) };
  }
  for (const kind of ['dns', 'gateway']) {
    const count = Object.values(networks).filter((spec) => defaultsOf(spec).includes(kind)).length;
    if (wanted.length > 1 && count !== 1)
      reader.problem(where, `one network has to be the default for ${kind}`);
  }
  return networks;
}

const defaultsOf = (spec: Node): Node[] => ((spec as NodeMap).default ?? []) as Node[];

function networkOf(reader: ManifestReader, manifest: NodeMap, entry: NodeMap, where: string): NodeMap {
  const network = reader.named(manifest, 'networks', entry.name, where);
  if (!network) return {};
  const there = `networks/name=${String(entry.name)}`;
  const type = network.type ?? '';
  const [ip] = reader.texts(entry, 'static_ips', where);
  if (ip !== undefined && isIP(ip) === 0) reader.problem(`${where}/static_ips/0`, `${ip} is no IP address`);
  const address: NodeMap = ip === undefined ? {} : { ip };
  if (type === 'manual') return { type, ...manualOf(reader, network, ip, there), ...address };
  if (type !== 'dynamic' && type !== 'vip')
    reader.problem(`${there}/type`, `manual, dynamic or vip is expected, it is ${JSON.stringify(type)}`);
  const dns = type === 'dynamic' ? reader.texts(network, 'dns', there) : [];
  return {
    type,
    cloud_properties: reader.map(network, 'cloud_properties', there),
    ...(dns.length > 0 ? { dns } : {}),
    ...address,
  };
}

function manualOf(reader: ManifestReader, network: NodeMap, ip: string | undefined, there: string): NodeMap {
  const subnets = reader.maps(network, 'subnets', there);
  const [subnet] = subnets;
  const where = `${there}/subnets/0`;
  if (subnet === undefined || subnets.length > 1) {
    reader.problem(`${there}/subnets`, `exactly one is expected, there are ${subnets.length}`);
    return {};
  }
  const range = reader.text(subnet, 'range', where);
  const gateway = reader.text(subnet, 'gateway', where);
  const dns = reader.texts(subnet, 'dns', where);
  const cidr = parseCidr(range);
  if (!cidr) reader.problem(`${where}/range`, `${range} is no address range like 10.0.0.0/24`);
  else if (!cidr.contains(gateway)) reader.problem(`${where}/gateway`, `${gateway} is not within ${range}`);
  if (ip === undefined) reader.problem(there, 'a manual network needs a static address: static_ips: [IP]');
  else if (cidr && !cidr.contains(ip))
    reader.problem(there, `the static address ${ip} is not within ${range}`);
  return {
    gateway,
    netmask: cidr ? netmaskOf(cidr) : '',
    ...(dns.length > 0 ? { dns } : {}),
    cloud_properties: reader.map(subnet, 'cloud_properties', where),
  };
}
