import { UserError } from '../../platform/errors.ts';
import { Domain, type StartOptions, startBits } from './domain.ts';
import { libvirtErrors } from './errors.ts';
import { type DomainEvents, EventSource } from './events.ts';
import { type Choices, flagsOf } from './flags.ts';
import { Network } from './network.ts';
import { type EventKind, eventKinds } from './procedures.ts';
import type { Rpc } from './rpc.ts';
import { Pool, Volume } from './storage.ts';
import { unless } from './unless.ts';

export interface DomainCapabilitiesQuery {
  readonly emulator?: string;
  readonly arch?: string;
  readonly machine?: string;
  /** `qemu`, `kvm`, … */
  readonly type?: string;
}

const domainBits = { active: 1, inactive: 2 } as const;
export type DomainChoice = Choices<typeof domainBits>;

const defineBits = { validate: 1 } as const;
export type DefineOptions = Choices<typeof defineBits>;

/** An open connection. Objects found through it are light: they hold names, and ask the daemon each time. */
export class Libvirt implements AsyncDisposable {
  readonly uri: string;
  readonly #rpc: Rpc;
  readonly #events: EventSource;

  constructor(rpc: Rpc, uri: string) {
    this.#rpc = rpc;
    this.#events = new EventSource(rpc);
    this.uri = uri;
  }

  /** XML: host CPU, guests that can run. */
  async capabilities(): Promise<string> {
    return (await this.#rpc.call('capabilities', {})).xml;
  }

  /** XML: what a domain of this kind may have. */
  async domainCapabilities({ emulator, arch, machine, type }: DomainCapabilitiesQuery = {}): Promise<string> {
    return (await this.#rpc.call('domainCapabilities', { emulator, arch, machine, type, flags: 0 })).xml;
  }

  async hostname(): Promise<string> {
    return (await this.#rpc.call('hostname', {})).hostname;
  }

  /** The daemon's version, "9.0.0". */
  async libraryVersion(): Promise<string> {
    const { version } = await this.#rpc.call('libVersion', {});
    return `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1000) % 1000}.${version % 1000}`;
  }

  /** All domains, or those that run, or those that do not. */
  async listDomains(which: DomainChoice = {}): Promise<Domain[]> {
    const { domains } = await this.#rpc.call('listDomains', { wanted: 1, flags: flagsOf(domainBits, which) });
    return domains.map((id) => new Domain(this.#rpc, id));
  }

  async findDomain(name: string): Promise<Domain | undefined> {
    return await unless(
      libvirtErrors.NO_DOMAIN,
      async () => new Domain(this.#rpc, (await this.#rpc.call('domainByName', { name })).domain),
    );
  }

  /** `uuid` with or without dashes. Throws a UserError if it is none. */
  async findDomainByUuid(uuid: string): Promise<Domain | undefined> {
    const hex = uuid.replaceAll('-', '').toLowerCase();
    if (!/^[0-9a-f]{32}$/.test(hex)) throw new UserError('USAGE', `'${uuid}' is no UUID`);
    return await unless(
      libvirtErrors.NO_DOMAIN,
      async () => new Domain(this.#rpc, (await this.#rpc.call('domainByUuid', { uuid: hex })).domain),
    );
  }

  /** Makes a persistent domain, or changes the one of that name and UUID. `validate`: against libvirt's schema first. */
  async defineDomain(xml: string, options: DefineOptions = {}): Promise<Domain> {
    const args = { xml, flags: flagsOf(defineBits, options) };
    return new Domain(this.#rpc, (await this.#rpc.call('domainDefine', args)).domain);
  }

  /** Starts a domain that is gone when it stops. */
  async createDomain(xml: string, options: StartOptions = {}): Promise<Domain> {
    const args = { xml, flags: flagsOf(startBits, options) };
    return new Domain(this.#rpc, (await this.#rpc.call('domainCreateXml', args)).domain);
  }

  async listNetworks(): Promise<Network[]> {
    const { networks } = await this.#rpc.call('listNetworks', { wanted: 1, flags: 0 });
    return networks.map((id) => new Network(this.#rpc, id));
  }

  async findNetwork(name: string): Promise<Network | undefined> {
    return await unless(
      libvirtErrors.NO_NETWORK,
      async () => new Network(this.#rpc, (await this.#rpc.call('networkByName', { name })).network),
    );
  }

  /** Makes a persistent network, or changes the one of that name and UUID. */
  async defineNetwork(xml: string): Promise<Network> {
    return new Network(this.#rpc, (await this.#rpc.call('networkDefine', { xml })).network);
  }

  /** Starts a network that is gone when it stops. */
  async createNetwork(xml: string): Promise<Network> {
    return new Network(this.#rpc, (await this.#rpc.call('networkCreateXml', { xml })).network);
  }

  async listPools(): Promise<Pool[]> {
    const { pools } = await this.#rpc.call('listPools', { wanted: 1, flags: 0 });
    return pools.map((id) => new Pool(this.#rpc, id));
  }

  async findPool(name: string): Promise<Pool | undefined> {
    return await unless(
      libvirtErrors.NO_STORAGE_POOL,
      async () => new Pool(this.#rpc, (await this.#rpc.call('poolByName', { name })).pool),
    );
  }

  async definePool(xml: string): Promise<Pool> {
    return new Pool(this.#rpc, (await this.#rpc.call('poolDefine', { xml, flags: 0 })).pool);
  }

  /** The volume of any active pool that lies at this path. */
  async findVolumeByPath(path: string): Promise<Volume | undefined> {
    return await unless(
      libvirtErrors.NO_STORAGE_VOL,
      async () => new Volume(this.#rpc, (await this.#rpc.call('volumeByPath', { path })).volume),
    );
  }

  /** Events of these kinds, of all domains, from now on: `using events = …`, `for await (const event of events)`. */
  async events(...kinds: readonly EventKind[]): Promise<DomainEvents> {
    return await this.#events.open(kinds.length > 0 ? kinds : eventKinds);
  }

  /** Ends the connection; the daemon's objects stay. */
  async close(): Promise<void> {
    await this.#rpc.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
