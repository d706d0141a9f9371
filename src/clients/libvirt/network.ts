import { type Choices, flagsOf } from './flags.ts';
import type { NetworkId } from './procedures.ts';
import type { Rpc } from './rpc.ts';

export interface Lease {
  readonly mac: string | undefined;
  readonly ip: string;
  readonly hostname: string | undefined;
  readonly expiresAt: Date;
}

/** A change of a network that is there: libvirt's virNetworkUpdate. */
export interface NetworkChange {
  readonly command: 'modify' | 'delete' | 'add-last' | 'add-first';
  readonly section:
    | 'bridge'
    | 'domain'
    | 'ip'
    | 'ip-dhcp-host'
    | 'ip-dhcp-range'
    | 'forward'
    | 'forward-interface'
    | 'portgroup'
    | 'dns-host'
    | 'dns-txt'
    | 'dns-srv';
  readonly xml: string;
  readonly live: boolean;
  readonly config: boolean;
  /** Which of several parents is meant; -1: libvirt finds it. */
  readonly parentIndex?: number;
}

const xmlBits = { inactive: 1 } as const;
export type NetworkXmlOptions = Choices<typeof xmlBits>;

const commands = { modify: 1, delete: 2, 'add-last': 3, 'add-first': 4 } as const;
const sections = {
  bridge: 1,
  domain: 2,
  ip: 3,
  'ip-dhcp-host': 4,
  'ip-dhcp-range': 5,
  forward: 6,
  'forward-interface': 7,
  portgroup: 9,
  'dns-host': 10,
  'dns-txt': 11,
  'dns-srv': 12,
} as const;

export class Network {
  readonly #rpc: Rpc;
  readonly #network: NetworkId;

  constructor(rpc: Rpc, id: NetworkId) {
    this.#rpc = rpc;
    this.#network = id;
  }

  get name(): string {
    return this.#network.name;
  }

  get uuid(): string {
    return this.#network.uuid;
  }

  async start(): Promise<void> {
    await this.#rpc.call('networkCreate', { network: this.#network });
  }

  async destroy(): Promise<void> {
    await this.#rpc.call('networkDestroy', { network: this.#network });
  }

  async undefine(): Promise<void> {
    await this.#rpc.call('networkUndefine', { network: this.#network });
  }

  /** The running network's XML, or with `inactive` that of the next start. */
  async xml(options: NetworkXmlOptions = {}): Promise<string> {
    return (await this.#rpc.call('networkXml', { network: this.#network, flags: flagsOf(xmlBits, options) }))
      .xml;
  }

  async bridgeName(): Promise<string> {
    return (await this.#rpc.call('networkBridge', { network: this.#network })).name;
  }

  async isActive(): Promise<boolean> {
    return (await this.#rpc.call('networkIsActive', { network: this.#network })).active;
  }

  async setAutostart(autostart: boolean): Promise<void> {
    await this.#rpc.call('networkSetAutostart', { network: this.#network, autostart });
  }

  async update(change: NetworkChange): Promise<void> {
    await this.#rpc.call('networkUpdate', {
      network: this.#network,
      command: commands[change.command],
      section: sections[change.section],
      parentIndex: change.parentIndex ?? -1,
      xml: change.xml,
      flags: (change.live ? 1 : 0) | (change.config ? 2 : 0),
    });
  }

  /** DHCP leases that dnsmasq has given. */
  async leases(): Promise<Lease[]> {
    const { leases } = await this.#rpc.call('networkLeases', {
      network: this.#network,
      mac: undefined,
      wanted: 1,
      flags: 0,
    });
    return leases.map(({ mac, ip, hostname, expirySeconds }) => ({
      mac,
      ip,
      hostname,
      expiresAt: new Date(expirySeconds * 1000),
    }));
  }
}
