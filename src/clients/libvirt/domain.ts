import { libvirtErrors } from './errors.ts';
import { type Choices, flagsOf } from './flags.ts';
import type { DomainId } from './procedures.ts';
import type { Rpc } from './rpc.ts';
import { Snapshot, type SnapshotOptions, snapshotBits } from './snapshot.ts';
import { unless } from './unless.ts';

const whereBits = { live: 1, config: 2 } as const;
/** What a change of a domain touches: the running machine, its definition, or both. */
export type Where = Choices<typeof whereBits>;

export const startBits = { paused: 1, bypassCache: 4, forceBoot: 8 } as const;
const destroyBits = { graceful: 1 } as const;
const undefineBits = {
  managedSave: 1,
  snapshotsMetadata: 2,
  nvram: 4,
  keepNvram: 8,
  checkpointsMetadata: 16,
  tpm: 32,
  keepTpm: 64,
} as const;
const xmlBits = { secure: 1, inactive: 2 } as const;
const backupBits = { reuseTargets: 1 } as const;
const saveBits = { bypassCache: 1, running: 2, paused: 4 } as const;
export type StartOptions = Choices<typeof startBits>;
export type DestroyOptions = Choices<typeof destroyBits>;
export type UndefineOptions = Choices<typeof undefineBits>;
export type DomainXmlOptions = Choices<typeof xmlBits>;
export type BackupOptions = Choices<typeof backupBits>;
export type ManagedSaveOptions = Choices<typeof saveBits>;

export type DomainState =
  | 'none'
  | 'running'
  | 'blocked'
  | 'paused'
  | 'shutting-down'
  | 'shut-off'
  | 'crashed'
  | 'suspended';

export interface BlockInfo {
  /** What the guest sees. */
  readonly capacityBytes: number;
  /** What has been written to. */
  readonly allocationBytes: number;
  /** How far the image reaches where it lies. */
  readonly physicalBytes: number;
}

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

  /** `forceBoot`: without the memory that managedSave() kept. */
  async start(options: StartOptions = {}): Promise<void> {
    await this.#rpc.call('domainCreate', { domain: this.#domain, flags: flagsOf(startBits, options) });
  }

  /** Power off at once. `graceful`: fails rather than kill a hypervisor that does not end when asked. */
  async destroy(options: DestroyOptions = {}): Promise<void> {
    await this.#rpc.call('domainDestroy', { domain: this.#domain, flags: flagsOf(destroyBits, options) });
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

  /** Sends a signal, by the kernel's number, to a container's first process. */
  async sendSignal(signal: number): Promise<void> {
    await this.#rpc.call('domainSendSignal', { domain: this.#domain, pid: 1, signal, flags: 0 });
  }

  async suspend(): Promise<void> {
    await this.#rpc.call('domainSuspend', { domain: this.#domain });
  }

  async resume(): Promise<void> {
    await this.#rpc.call('domainResume', { domain: this.#domain });
  }

  /** Forgets the domain, with what the options name; libvirt refuses to leave such things behind unasked. */
  async undefine(options: UndefineOptions = {}): Promise<void> {
    await this.#rpc.call('domainUndefine', { domain: this.#domain, flags: flagsOf(undefineBits, options) });
  }

  /** The running machine's XML, or with `inactive` that of the next start; with `secure` passwords are in it. */
  async xml(options: DomainXmlOptions = {}): Promise<string> {
    return (await this.#rpc.call('domainXml', { domain: this.#domain, flags: flagsOf(xmlBits, options) }))
      .xml;
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
    return await this.#metadata(metadataKinds.element, uri, where);
  }

  async title(where: Where = {}): Promise<string | undefined> {
    return await this.#metadata(metadataKinds.title, undefined, where);
  }

  async description(where: Where = {}): Promise<string | undefined> {
    return await this.#metadata(metadataKinds.description, undefined, where);
  }

  async #metadata(type: number, uri: string | undefined, where: Where): Promise<string | undefined> {
    return await unless(libvirtErrors.NO_DOMAIN_METADATA, async () => {
      const args = { domain: this.#domain, type, uri, flags: flagsOf(whereBits, where) };
      return (await this.#rpc.call('domainGetMetadata', args)).metadata;
    });
  }

  /** Sets the element of a namespace; `xml` undefined removes it. */
  async setMetadata(key: string, uri: string, xml: string | undefined, where: Where = {}): Promise<void> {
    await this.#setMetadata(metadataKinds.element, xml, where, { key, uri });
  }

  /** undefined removes it. */
  async setTitle(title: string | undefined, where: Where = {}): Promise<void> {
    await this.#setMetadata(metadataKinds.title, title, where);
  }

  /** undefined removes it. */
  async setDescription(description: string | undefined, where: Where = {}): Promise<void> {
    await this.#setMetadata(metadataKinds.description, description, where);
  }

  async #setMetadata(
    type: number,
    metadata: string | undefined,
    where: Where,
    { key, uri }: { key?: string; uri?: string } = {},
  ): Promise<void> {
    const flags = flagsOf(whereBits, where);
    await this.#rpc.call('domainSetMetadata', { domain: this.#domain, type, metadata, key, uri, flags });
  }

  async attachDevice(xml: string, where: Where = {}): Promise<void> {
    await this.#rpc.call('domainAttach', { domain: this.#domain, xml, flags: flagsOf(whereBits, where) });
  }

  /** Asks for the removal; a live guest may let go later, or never: look at `xml()`. */
  async detachDevice(xml: string, where: Where = {}): Promise<void> {
    await this.#rpc.call('domainDetach', { domain: this.#domain, xml, flags: flagsOf(whereBits, where) });
  }

  async detachDeviceAlias(alias: string, where: Where = {}): Promise<void> {
    await this.#rpc.call('domainDetachAlias', {
      domain: this.#domain,
      alias,
      flags: flagsOf(whereBits, where),
    });
  }

  async updateDevice(xml: string, where: Where = {}): Promise<void> {
    await this.#rpc.call('domainUpdate', { domain: this.#domain, xml, flags: flagsOf(whereBits, where) });
  }

  /** The sizes of a disk (by target or path). */
  async blockInfo(disk: string): Promise<BlockInfo> {
    const args = { domain: this.#domain, path: disk, flags: 0 };
    const { capacity, allocation, physical } = await this.#rpc.call('domainBlockInfo', args);
    return { capacityBytes: capacity, allocationBytes: allocation, physicalBytes: physical };
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

  /**
   * Begins to copy disks as a `<domainbackup>` says, each as it is at this moment, and does not wait: the event `job-completed`
   * tells the end. A domain has one such job at a time. `reuseTargets`: the files to copy to are there.
   */
  async beginBackup(xml: string, options: BackupOptions = {}): Promise<void> {
    const flags = flagsOf(backupBits, options);
    await this.#rpc.call('domainBackupBegin', {
      domain: this.#domain,
      backup: xml,
      checkpoint: undefined,
      flags,
    });
  }

  /** Gives up what is under way: a backup, a managed save. */
  async abortJob(): Promise<void> {
    await this.#rpc.call('domainAbortJob', { domain: this.#domain });
  }

  async setAutostart(autostart: boolean): Promise<void> {
    await this.#rpc.call('domainSetAutostart', { domain: this.#domain, autostart });
  }

  async interfaceAddresses(source: keyof typeof addressSources = 'lease'): Promise<GuestInterface[]> {
    const args = { domain: this.#domain, source: addressSources[source], flags: 0 };
    return (await this.#rpc.call('domainInterfaces', args)).interfaces;
  }

  /** Stops the machine with its memory in a file that the next start reads. */
  async managedSave(options: ManagedSaveOptions = {}): Promise<void> {
    await this.#rpc.call('domainManagedSave', { domain: this.#domain, flags: flagsOf(saveBits, options) });
  }

  async hasManagedSave(): Promise<boolean> {
    return (await this.#rpc.call('domainHasManagedSave', { domain: this.#domain, flags: 0 })).result;
  }

  async removeManagedSave(): Promise<void> {
    await this.#rpc.call('domainManagedSaveRemove', { domain: this.#domain, flags: 0 });
  }

  /** Takes a snapshot as the `<domainsnapshot>` says. */
  async createSnapshot(xml: string, options: SnapshotOptions = {}): Promise<Snapshot> {
    const args = { domain: this.#domain, xml, flags: flagsOf(snapshotBits, options) };
    return new Snapshot(this.#rpc, (await this.#rpc.call('snapshotCreate', args)).snapshot);
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
