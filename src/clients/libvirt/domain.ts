import { libvirtErrors } from './errors.ts';
import type { DomainId, SnapshotId } from './procedures.ts';
import type { Rpc } from './rpc.ts';
import { unless } from './unless.ts';

/** What a change of a domain touches: the running machine, its definition, or both. */
export interface Where {
  readonly live?: boolean;
  readonly config?: boolean;
}

export type DomainState =
  | 'none'
  | 'running'
  | 'blocked'
  | 'paused'
  | 'shutting-down'
  | 'shut-off'
  | 'crashed'
  | 'suspended';

export interface GuestInterface {
  readonly name: string;
  readonly mac: string | undefined;
  readonly addresses: readonly { readonly address: string; readonly prefix: number }[];
}

const states: readonly DomainState[] = [
  'none',
  'running',
  'blocked',
  'paused',
  'shutting-down',
  'shut-off',
  'crashed',
  'suspended',
];
const flagsOf = ({ live, config }: Where): number => (live ? 1 : 0) | (config ? 2 : 0);
const metadataKinds = { description: 0, title: 1, element: 2 } as const;
const shutdownModes = { default: 0, acpi: 1, 'guest-agent': 2, signal: 8 } as const;
const addressSources = { lease: 0, agent: 1, arp: 2 } as const;

/** A virtual machine or container, by name and UUID. */
export class Domain {
  readonly #rpc: Rpc;
  readonly #domain: DomainId;

  constructor(rpc: Rpc, id: DomainId) {
    this.#rpc = rpc;
    this.#domain = { ...id, id: -1 }; // the id of a running domain changes with each start; lookups go by UUID
  }

  get name(): string {
    return this.#domain.name;
  }

  /** 32 hex digits. */
  get uuid(): string {
    return this.#domain.uuid;
  }

  async start(options: { paused?: boolean } = {}): Promise<void> {
    await this.#rpc.call('domainCreate', { domain: this.#domain, flags: options.paused ? 1 : 0 });
  }

  /** Power off at once. */
  async destroy(): Promise<void> {
    await this.#rpc.call('domainDestroy', { domain: this.#domain, flags: 0 });
  }

  /** Asks the guest to shut down and does not wait. */
  async shutdown({ mode = 'default' }: { mode?: keyof typeof shutdownModes } = {}): Promise<void> {
    await this.#rpc.call('domainShutdown', { domain: this.#domain, flags: shutdownModes[mode] });
  }

  /** Asks the guest to reboot and does not wait. */
  async reboot({ mode = 'default' }: { mode?: keyof typeof shutdownModes } = {}): Promise<void> {
    await this.#rpc.call('domainReboot', { domain: this.#domain, flags: shutdownModes[mode] });
  }

  /** The reset button. */
  async reset(): Promise<void> {
    await this.#rpc.call('domainReset', { domain: this.#domain, flags: 0 });
  }

  async suspend(): Promise<void> {
    await this.#rpc.call('domainSuspend', { domain: this.#domain });
  }

  async resume(): Promise<void> {
    await this.#rpc.call('domainResume', { domain: this.#domain });
  }

  async undefine(
    options: { managedSave?: boolean; snapshotsMetadata?: boolean; nvram?: boolean } = {},
  ): Promise<void> {
    const flags =
      (options.managedSave ? 1 : 0) | (options.snapshotsMetadata ? 2 : 0) | (options.nvram ? 4 : 0);
    await this.#rpc.call('domainUndefine', { domain: this.#domain, flags });
  }

  /** The running machine's XML, or with `inactive` that of the next start. */
  async xml({ inactive = false }: { inactive?: boolean } = {}): Promise<string> {
    return (await this.#rpc.call('domainXml', { domain: this.#domain, flags: inactive ? 2 : 0 })).xml;
  }

  async state(): Promise<{ state: DomainState; reason: number }> {
    const { state, reason } = await this.#rpc.call('domainState', { domain: this.#domain, flags: 0 });
    return { state: states[state] ?? 'none', reason };
  }

  async isActive(): Promise<boolean> {
    return (await this.#rpc.call('domainIsActive', { domain: this.#domain })).active;
  }

  /** The element of this namespace in the metadata, or undefined. */
  async metadata(uri: string, where: Where = {}): Promise<string | undefined> {
    return await unless(libvirtErrors.NO_DOMAIN_METADATA, async () => {
      const args = { domain: this.#domain, type: metadataKinds.element, uri, flags: flagsOf(where) };
      return (await this.#rpc.call('domainGetMetadata', args)).metadata;
    });
  }

  /** Sets the element of a namespace; `xml` undefined removes it. */
  async setMetadata(key: string, uri: string, xml: string | undefined, where: Where = {}): Promise<void> {
    const args = {
      domain: this.#domain,
      type: metadataKinds.element,
      metadata: xml,
      key,
      uri,
      flags: flagsOf(where),
    };
    await this.#rpc.call('domainSetMetadata', args);
  }

  async setTitle(title: string, where: Where = {}): Promise<void> {
    await this.#setText(metadataKinds.title, title, where);
  }

  async setDescription(description: string, where: Where = {}): Promise<void> {
    await this.#setText(metadataKinds.description, description, where);
  }

  async #setText(type: number, metadata: string, where: Where): Promise<void> {
    const args = {
      domain: this.#domain,
      type,
      metadata,
      key: undefined,
      uri: undefined,
      flags: flagsOf(where),
    };
    await this.#rpc.call('domainSetMetadata', args);
  }

  async attachDevice(xml: string, where: Where = {}): Promise<void> {
    await this.#rpc.call('domainAttach', { domain: this.#domain, xml, flags: flagsOf(where) });
  }

  /** Asks for the removal; a live guest may let go later, or never: look at `xml()`. */
  async detachDevice(xml: string, where: Where = {}): Promise<void> {
    await this.#rpc.call('domainDetach', { domain: this.#domain, xml, flags: flagsOf(where) });
  }

  async detachDeviceAlias(alias: string, where: Where = {}): Promise<void> {
    await this.#rpc.call('domainDetachAlias', { domain: this.#domain, alias, flags: flagsOf(where) });
  }

  async updateDevice(xml: string, where: Where = {}): Promise<void> {
    await this.#rpc.call('domainUpdate', { domain: this.#domain, xml, flags: flagsOf(where) });
  }

  /** Tells the running guest that a disk (by target or path) has another size. */
  async blockResize(disk: string, sizeBytes: number): Promise<void> {
    const inBytes = 1;
    await this.#rpc.call('domainBlockResize', {
      domain: this.#domain,
      disk,
      size: sizeBytes,
      flags: inBytes,
    });
  }

  async setAutostart(autostart: boolean): Promise<void> {
    await this.#rpc.call('domainSetAutostart', { domain: this.#domain, autostart });
  }

  async interfaceAddresses(source: keyof typeof addressSources = 'lease'): Promise<GuestInterface[]> {
    const args = { domain: this.#domain, source: addressSources[source], flags: 0 };
    return (await this.#rpc.call('domainInterfaces', args)).interfaces;
  }

  /** Stops the machine with its memory in a file that the next start reads. */
  async managedSave(): Promise<void> {
    await this.#rpc.call('domainManagedSave', { domain: this.#domain, flags: 0 });
  }

  async hasManagedSave(): Promise<boolean> {
    return (await this.#rpc.call('domainHasManagedSave', { domain: this.#domain, flags: 0 })).result;
  }

  async removeManagedSave(): Promise<void> {
    await this.#rpc.call('domainManagedSaveRemove', { domain: this.#domain, flags: 0 });
  }

  /** Takes a snapshot as the `<domainsnapshot>` says. */
  async createSnapshot(xml: string): Promise<Snapshot> {
    return new Snapshot(
      this.#rpc,
      (await this.#rpc.call('snapshotCreate', { domain: this.#domain, xml, flags: 0 })).snapshot,
    );
  }

  async listSnapshots(): Promise<Snapshot[]> {
    const { snapshots } = await this.#rpc.call('listSnapshots', {
      domain: this.#domain,
      wanted: 1,
      flags: 0,
    });
    return snapshots.map((id) => new Snapshot(this.#rpc, id));
  }

  async findSnapshot(name: string): Promise<Snapshot | undefined> {
    return await unless(libvirtErrors.NO_DOMAIN_SNAPSHOT, async () => {
      const { snapshot } = await this.#rpc.call('snapshotByName', { domain: this.#domain, name, flags: 0 });
      return new Snapshot(this.#rpc, snapshot);
    });
  }
}

/** A snapshot of a domain. */
export class Snapshot {
  readonly #rpc: Rpc;
  readonly #snapshot: SnapshotId;

  constructor(rpc: Rpc, id: SnapshotId) {
    this.#rpc = rpc;
    this.#snapshot = { ...id, domain: { ...id.domain, id: -1 } };
  }

  get name(): string {
    return this.#snapshot.name;
  }

  async xml(): Promise<string> {
    return (await this.#rpc.call('snapshotXml', { snapshot: this.#snapshot, flags: 0 })).xml;
  }

  /** Goes back; not atomic in libvirt 9: a failed revert leaves the domain off. */
  async revert(options: { running?: boolean; force?: boolean } = {}): Promise<void> {
    const flags = (options.running ? 1 : 0) | (options.force ? 4 : 0);
    await this.#rpc.call('snapshotRevert', { snapshot: this.#snapshot, flags });
  }

  async delete(): Promise<void> {
    await this.#rpc.call('snapshotDelete', { snapshot: this.#snapshot, flags: 0 });
  }
}
