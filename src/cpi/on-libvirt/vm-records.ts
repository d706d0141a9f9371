import { type Domain, type Libvirt, parseXml, type XmlElement } from '../../clients/libvirt/index.ts';
import { escapeXml, fillTemplate, markup } from '../../platform/template.ts';
import type { JsonObject, NicPlan, VmSpec } from '../backend.ts';
import { isNoDomain } from './errors.ts';
import { forwardsOf, type PortForward } from './networks/port-forwards.ts';

/** Namespaces of what we keep in a domain's metadata; the number is the format's version. */
export const vmNamespace = 'urn:boshvirt:vm:1';
export const boshMetadataNamespace = 'urn:boshvirt:bosh-metadata:1';

/** What the hypervisor remembers of a VM besides its devices. */
export interface VmRecord {
  readonly cid: string;
  readonly environment: string;
  readonly agentId: string;
  readonly stemcell: string;
  readonly nics: readonly NicPlan[];
  /** Ports of the host that lead to it. */
  readonly forwards: readonly PortForward[];
}

export function vmRecordXml(spec: VmSpec, environment: string): string {
  const nics = spec.nics.map((nic) =>
    fillTemplate('libvirt/nic-record.xml', {
      hostNetwork: nic.hostNetwork,
      mac: nic.mac,
      networks: markup(nic.networks.map((name) => networkXml(name, spec.networks[name]?.type))),
      ips: markup(nic.ips.map((ip) => `<ip address="${escapeXml(ip)}"/>`)),
    }),
  );
  return fillTemplate('libvirt/vm-record.xml', {
    namespace: vmNamespace,
    environment,
    agent: spec.agentId,
    stemcell: spec.stemcell,
    nics: markup(nics),
    forwards: markup(forwardsOf(spec).map(forwardXml)),
  });
}

/** The type only where something has to be given up with the VM: an address that DHCP keeps for it. */
function networkXml(name: string, type: string | undefined): string {
  return `<network name="${escapeXml(name)}"${type === 'dynamic' ? ' type="dynamic"' : ''}/>`;
}

/** The records of all our VMs; domains of other people have none and are left out. */
export async function vmRecords(libvirt: Libvirt): Promise<VmRecord[]> {
  const domains = (await libvirt.listDomains()).filter((domain) => domain.name.startsWith('vm-'));
  const records = await Promise.all(domains.map(readVmRecord));
  return records.filter((record) => record !== undefined);
}

/** A domain's record; undefined if it has none, and also if it went away just now. */
export async function readVmRecord(domain: Domain): Promise<VmRecord | undefined> {
  const xml = await elementOf(domain, vmNamespace);
  return xml === undefined ? undefined : parseVmRecord(domain.name, xml);
}

async function elementOf(domain: Domain, namespace: string): Promise<string | undefined> {
  try {
    return await domain.metadata(namespace);
  } catch (error) {
    if (isNoDomain(error)) return undefined;
    throw error;
  }
}

/** The stemcell that a VM stands on. Without a parser: it is asked for at each delete_vm. */
export async function stemcellOf(domain: Domain): Promise<string | undefined> {
  return / stemcell=['"]([^'"]+)['"]/.exec((await elementOf(domain, vmNamespace)) ?? '')?.[1];
}

/** What a VM holds outside of itself, which has to be given up with it. */
export interface VmHoldings {
  /** NICs whose addresses DHCP keeps. */
  readonly dynamicNics: readonly NicPlan[];
  readonly hasForwards: boolean;
}

/** Without a parser where there is nothing: it is asked for at each delete_vm. */
export async function holdingsOf(domain: Domain): Promise<VmHoldings> {
  const xml = (await elementOf(domain, vmNamespace)) ?? '';
  if (!/[<:]forward |['"]dynamic['"]/.test(xml)) return { dynamicNics: [], hasForwards: false };
  const vm = parseXml(xml).child('vm');
  const isDynamic = (nic: XmlElement) =>
    nic.children('network').some((network) => network.attribute('type') === 'dynamic');
  const dynamicNics = (vm?.children('nic') ?? []).filter(isDynamic).map(parseNic);
  return { dynamicNics, hasForwards: vm?.child('forward') !== undefined };
}

function parseVmRecord(cid: string, xml: string): VmRecord | undefined {
  const vm = parseXml(xml).child('vm');
  if (!vm) return undefined;
  return {
    cid,
    environment: vm.attribute('environment') ?? '',
    agentId: vm.attribute('agent') ?? '',
    stemcell: vm.attribute('stemcell') ?? '',
    nics: vm.children('nic').map(parseNic),
    forwards: vm.children('forward').map(parseForward),
  };
}

/** Before NICs could have several networks, its one network and address were attributes: such VMs still run. */
function parseNic(nic: XmlElement): NicPlan {
  const { network, ip } = { network: nic.attribute('network'), ip: nic.attribute('ip') };
  const named = (child: string, attribute: string) =>
    nic.children(child).flatMap((each) => each.attribute(attribute) ?? []);
  return {
    networks: network === undefined ? named('network', 'name') : [network],
    hostNetwork: nic.attribute('host-network') ?? '',
    mac: nic.attribute('mac') ?? '',
    ips: ip ? [ip] : named('ip', 'address'),
  };
}

function forwardXml({ protocol, first, last, at, to, port, neighbours }: PortForward): string {
  return fillTemplate('libvirt/forward-record.xml', {
    protocol,
    first,
    last,
    at: at ?? '',
    to,
    port: port ?? '',
    neighbours,
  });
}

function parseForward(forward: XmlElement): PortForward {
  const text = (name: string) => forward.attribute(name) ?? '';
  return {
    protocol: text('protocol') === 'udp' ? 'udp' : 'tcp',
    first: Number(text('first')),
    last: Number(text('last')),
    at: text('at') || undefined,
    to: text('to'),
    port: text('port') === '' ? undefined : Number(text('port')),
    neighbours: text('neighbours'),
  };
}

/** BOSH's metadata of a VM as an element for the domain's metadata. */
export function boshMetadataXml(metadata: JsonObject): string {
  const entries = Object.entries(metadata).map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return `<entry name="${escapeXml(key)}">${escapeXml(text)}</entry>`;
  });
  return `<metadata>${entries.join('')}</metadata>`;
}

/** The metadata in such an element; values that were no text are JSON. Empty if BOSH has said nothing yet. */
export async function readBoshMetadata(domain: Domain): Promise<Readonly<Record<string, string>>> {
  const xml = await elementOf(domain, boshMetadataNamespace);
  const entries = xml === undefined ? [] : (parseXml(xml).child('metadata')?.children('entry') ?? []);
  return Object.fromEntries(entries.map((entry) => [entry.attribute('name') ?? '', entry.text]));
}
