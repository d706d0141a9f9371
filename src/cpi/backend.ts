/**
 * THE contract between BOSH's words and a hypervisor. A backend is five small stores and a few facts about itself;
 * methods/ speaks only to these and never asks a backend's name.
 *
 * Rules for every store: deletes are idempotent; `has` answers both ways and never throws for an unknown CID; everything
 * else throws VMNotFound, DiskNotFound or StemcellNotFound; a failed create leaves nothing; state lives in the
 * hypervisor, so that a second process, another day, sees the same world.
 */
import type { Check } from '../platform/finding.ts';
import type { Log } from '../platform/log.ts';
import type { PackageNeed } from '../platform/package-need.ts';
import type { AgentSettings } from './agent/agent-settings.ts';
import type { NetworkSpec } from './agent/networks.ts';
import type { StemcellImage } from './stemcell/stemcell-image.ts';

declare const brand: unique symbol;
type Branded<Name> = string & { readonly [brand]: Name };
export type StemcellCid = Branded<'stemcell'>;
export type VmCid = Branded<'vm'>;
export type DiskCid = Branded<'disk'>;
export type SnapshotCid = Branded<'snapshot'>;
export type NetworkCid = Branded<'network'>;

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Facts about a backend that the core may ask for instead of its name. */
export interface Traits {
  /** What `info` reports; the director matches them with a stemcell's formats. */
  readonly stemcellFormats: readonly string[];
  /** How the guest gets its settings. */
  readonly settingsMedium: 'config-drive' | 'file';
  /** The guest's interfaces are up before its agent runs, which then only sets DNS (contract 2.5). */
  readonly preconfiguredNetworks: boolean;
}

/** A VM before it exists. `cid` is chosen by the caller, so that undo can be armed before the act. */
export interface VmSpec {
  readonly cid: VmCid;
  readonly agentId: string;
  readonly stemcell: StemcellCid;
  readonly cloudProperties: JsonObject;
  readonly nics: readonly NicPlan[];
  /** BOSH's networks as they were planned: with MACs and dynamic addresses. */
  readonly networks: Readonly<Record<string, NetworkSpec>>;
}

/** One network card, in the order in which the guest will see them. */
export interface NicPlan {
  /** The networks' names in BOSH's request: several share a NIC in a nic_group (contract 1.6). */
  readonly networks: readonly string[];
  /** What it is plugged into: the backend's own name for a host network. */
  readonly hostNetwork: string;
  /** Lower case, colons (contract 2.5). */
  readonly mac: string;
  /** Without their prefix lengths. */
  readonly ips: readonly string[];
}

/** What a VM's networks become. */
export interface NetworkPlan {
  readonly nics: readonly NicPlan[];
  /** The request's networks, verbatim, each with what was decided for it: its MAC, a dynamic network's address. */
  readonly networks: Readonly<Record<string, NetworkSpec>>;
}

/** A network that the director manages itself: create_network's argument (contract 1.3). */
export interface NetworkRequest {
  /** CIDR; chosen by the backend if it is left out. */
  readonly range: string | undefined;
  readonly gateway: string | undefined;
  /** How large a network is wanted where no range is named. */
  readonly netmaskBits: number | undefined;
  readonly cloudProperties: JsonObject;
}

/** What the director is told of a network that was made for it. */
export interface CreatedNetwork {
  readonly range: string;
  readonly gateway: string;
  /** Addresses and ranges that BOSH must not give to VMs. */
  readonly reserved: readonly string[];
  /** What create_vm is to be given to put a VM on it. */
  readonly cloudProperties: JsonObject;
}

/** Where the guest finds its own disks, for the agent's settings. */
export interface GuestDisks {
  readonly system: string;
  /** A path, or all that an agent needs where a path is not enough. */
  readonly ephemeral: string | DiskHint | undefined;
}

/** What attach_disk returns and the agent resolves (contract 2.3): all values are strings. */
export type DiskHint = Readonly<Record<string, string>>;

/** What is known of an image besides its bytes. */
export interface StemcellFacts {
  readonly sha256: string;
  readonly properties: JsonObject;
  /** The director's (API 3); empty for others. */
  readonly tags: JsonObject;
  /** A director's UUID: each has to delete the stemcell for itself. */
  readonly owner: string;
}

export interface StemcellStore {
  /**
   * Imports an image; a second import of the same content gives the same CID and copies nothing, two at once are one. Throws
   * a CloudError that says which stemcell to use for an image of another backend's.
   */
  import(image: StemcellImage, facts: StemcellFacts): Promise<StemcellCid>;
  has(cid: StemcellCid): Promise<boolean>;
  /**
   * Takes `owner`'s share in it away. Without owners it is gone: no VM can be made from it, and its image goes with the
   * last VM that stands on it.
   */
  delete(cid: StemcellCid, owner: string): Promise<void>;
}

export interface VmStore {
  /** Makes the VM with its own disks, stopped. Throws StemcellNotFound, NoDiskSpace, VMCreationFailed. */
  create(spec: VmSpec): Promise<GuestDisks>;
  has(cid: VmCid): Promise<boolean>;
  start(cid: VmCid): Promise<void>;
  /** Asks the guest first; a hard reset is the last resort. Starts a VM that is off. */
  reboot(cid: VmCid): Promise<void>;
  /** Removes the VM in whatever state it is, and what is left of a half-made one; persistent disks stay. */
  delete(cid: VmCid): Promise<void>;
  /** Returns only when the hypervisor shows the disk; attached here already: the same hint again. */
  attachDisk(vm: VmCid, disk: DiskCid): Promise<DiskHint>;
  /** Returns only when the disk is gone from the VM. Throws DiskNotAttached. */
  detachDisk(vm: VmCid, disk: DiskCid): Promise<void>;
  listDisks(cid: VmCid): Promise<DiskCid[]>;
  setMetadata(cid: VmCid, metadata: JsonObject): Promise<void>;
  /** Cloud properties for at least this much (`vm_resources` in a manifest). */
  cloudPropertiesFor(needs: { cpus: number; memoryMb: number; ephemeralDiskMb: number }): JsonObject;
}

export interface DiskStore {
  /** `near`: the VM that the disk is made for, a hint only. */
  create(cid: DiskCid, sizeMb: number, properties: JsonObject): Promise<void>;
  has(cid: DiskCid): Promise<boolean>;
  /** Throws a CloudError while a VM has the disk. Snapshots of it stay. */
  delete(cid: DiskCid): Promise<void>;
  setMetadata(cid: DiskCid, metadata: JsonObject): Promise<void>;
  /** Grows a disk, attached or not; the file system on it is the agent's. Throws NotSupported for less than it has. */
  resize(cid: DiskCid, sizeMb: number): Promise<void>;
  /** Size and cloud properties at once; gives the CID that the disk has from then on. Throws NotSupported for what cannot be. */
  update(cid: DiskCid, sizeMb: number, properties: JsonObject): Promise<DiskCid>;
  /** A copy of the disk as it is now, also under a running VM; it outlives VM and disk. */
  snapshot(cid: SnapshotCid, disk: DiskCid, metadata: JsonObject): Promise<void>;
  deleteSnapshot(cid: SnapshotCid): Promise<void>;
}

export interface NetworkStore {
  /** Turns BOSH's networks into NICs: the default gateway's network first, then the request's order. The VM's own cloud properties may ask for ports of the host. */
  plan(
    vm: VmCid,
    networks: Readonly<Record<string, NetworkSpec>>,
    cloudProperties: JsonObject,
  ): Promise<NetworkPlan>;
  /** Makes a network for the director. Throws a CloudError for a range that is taken. */
  create(cid: NetworkCid, request: NetworkRequest): Promise<CreatedNetwork>;
  /** Throws a CloudError while a VM is on it. */
  delete(cid: NetworkCid): Promise<void>;
}

export interface AgentSettingsStore {
  write(vm: VmCid, settings: AgentSettings): Promise<void>;
  read(vm: VmCid): Promise<AgentSettings>;
}

/** Where an environment's disks lie and what its VMs are plugged into. */
export interface GroundPlan {
  /** The storage pool's folder on the hypervisor's machine. */
  readonly poolPath: string;
  /** The host bridge: at most 15 characters. */
  readonly bridge: string;
  readonly gateway: string;
  readonly prefixLength: number;
  /** DNS domain of the guests. */
  readonly domain: string;
  /** Ranges that lie behind a guest, such as containers in it: the host's traffic to them goes there. */
  readonly routes?: readonly { readonly cidr: string; readonly via: string }[];
  /** Domains all of whose names, whichever, the network's DNS answers with one address. */
  readonly wildcards?: readonly { readonly domain: string; readonly ip: string }[];
}

/** suspended: off, with its memory on the disk; the next start goes on from there. */
export type PowerState = 'running' | 'paused' | 'suspended' | 'off';

export interface VmFacts {
  readonly cid: VmCid;
  readonly environment: string;
  readonly state: PowerState;
  readonly stemcell: StemcellCid;
  readonly nics: readonly NicPlan[];
  readonly disks: readonly DiskCid[];
  readonly cpus: number;
  readonly memoryMb: number;
}

/** What an environment has on the hypervisor, as the hypervisor tells it. */
export interface Inventory {
  readonly vms: readonly VmFacts[];
  readonly disks: readonly DiskCid[];
  readonly snapshots: readonly SnapshotCid[];
  readonly stemcells: readonly StemcellCid[];
  /** Those that create_network has made. */
  readonly networks: readonly NetworkCid[];
  /** The environment's own network is up; the host has its routes and forwards the ports that lead to its VMs. */
  readonly networkActive: boolean;
  readonly storageActive: boolean;
}

/** A VM as people want to see it. */
export interface VmDetails extends VmFacts {
  /** What BOSH said of it in set_vm_metadata, each value as text; empty until then. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What its own disks and files take, without persistent disks. */
  readonly bytesOnDisk: number;
  /** undefined where the hypervisor has nothing that tells. */
  readonly madeAt: Date | undefined;
}

/** A persistent disk as people want to see it. */
export interface DiskDetails {
  readonly cid: DiskCid;
  readonly sizeBytes: number;
  readonly bytesOnDisk: number;
  readonly attachedTo: VmCid | undefined;
  /** What BOSH said of it in set_disk_metadata; empty until then. */
  readonly metadata: JsonObject;
  /** Of a disk that no VM has: since when it lies there. */
  readonly changedAt: Date;
}

export interface DiskSnapshotDetails {
  readonly cid: SnapshotCid;
  readonly disk: DiskCid | undefined;
  readonly bytesOnDisk: number;
  readonly takenAt: Date;
  readonly metadata: JsonObject;
}

/** All that an environment has for people to look at; it takes longer than an inventory. */
export interface Census {
  readonly vms: readonly VmDetails[];
  readonly disks: readonly DiskDetails[];
  readonly snapshots: readonly DiskSnapshotDetails[];
}

/** Who may need what lies in an environment's ground. */
export interface Owners {
  /** The environment itself is no more: nobody needs what carries its name. */
  readonly gone: boolean;
  /** CIDs of VMs, disks and stemcells that somebody has written down, and of what any backend's VMs there are and stand on. */
  readonly cids: ReadonlySet<string>;
}

/** Something that boshvirt or its CPI made, with no data of anybody's in it, that nothing needs any more. */
export interface Orphan {
  readonly kind: 'volume' | 'network' | 'reservation' | 'mount' | 'pool';
  /** Unique among those of its kind. */
  readonly name: string;
  /** Why nothing needs it, for people to judge. */
  readonly why: string;
  readonly bytesOnDisk: number;
}

/** One thing that an environment needs to run: how it was found, and what was done about it. */
export interface Revival {
  readonly part: 'storage' | 'network' | 'vm' | 'ports';
  /** The hypervisor's name of it. */
  readonly name: string;
  /** In words: `running`, `off`, `running, without its route 10.244.0.0/16`. */
  readonly found: string;
  /** In words; undefined: nothing had to be, or could be. */
  readonly done: string | undefined;
  /** What could not be done, and what somebody else is to do about it. */
  readonly advice?: string;
}

/** A range of addresses that somebody has. */
export interface TakenRange {
  readonly cidr: string;
  /** The hypervisor's name of that network. */
  readonly network: string;
  /** In words: `libvirt’s network 'default'`. */
  readonly owner: string;
}

/** What `boshvirt up` lays before the first CPI call, and `down` takes away; bosh itself never asks for it. */
export interface Ground {
  /**
   * Makes the storage pool and the network and starts them. What is there already stays; a network is brought to the plan, and
   * what was done to it, or could not be, is given in words. Throws a CloudError on a clash, before anything is made.
   */
  prepare(plan: GroundPlan): Promise<readonly string[]>;
  /**
   * The same on a host that another one's network is made longer onto: its network is a bridge alone, and addresses, names and the
   * way out are the other host's.
   */
  prepareJoined(plan: Pick<GroundPlan, 'poolPath' | 'bridge'>): Promise<void>;
  /** Free bytes where the disks lie. */
  freeBytes(): Promise<number>;
  inventory(): Promise<Inventory>;
  /** Throws a CloudError if the storage is stopped. */
  census(): Promise<Census>;
  /** Names of all environments that have something on this hypervisor, this one or others. */
  environments(): Promise<string[]>;
  /**
   * What killed calls and lost environments left, besides whole VMs, disks and snapshots, which the census tells. Of an
   * environment that is there, what changed within the last minutes is left out: somebody may be making it.
   */
  orphans(owners: Owners): Promise<Orphan[]>;
  /** Looks once more and removes it; false if it is no orphan any more. Throws a CloudError for what cannot be. */
  removeOrphan(orphan: Orphan, owners: Owners): Promise<boolean>;
  /**
   * Starts what a reboot of the hypervisor's machine left off, or somebody's hand: storage, networks with what belongs to them,
   * VMs, `first` before the others. Gives what it looked at, in the order in which it did. Where one cannot be started the others
   * are; of `first` it then throws a CloudError, of another one its advice tells.
   */
  revive(first?: VmCid): Promise<readonly Revival[]>;
  /** IPv4 ranges that networks of this hypervisor have, or that their routes lead to: other people's too, running or not. */
  takenRanges(): Promise<readonly TakenRange[]>;
  /** Removes every VM, volume, the network and the storage pool of this environment; idempotent. */
  clear(): Promise<void>;
  /** What the VM's serial console has said since the VM was made. */
  consoleLog(vm: VmCid): AsyncIterable<Uint8Array>;
  /** The hypervisor's own definition of the VM, for people to read. */
  vmDefinition(vm: VmCid): Promise<string>;
  networkDefinition(): Promise<string>;
  /** How the VM's processor is run, for people: "kvm", "emulated (TCG)". */
  accelerator(): Promise<string>;
}

export interface SnapshotFacts {
  readonly name: string;
  readonly createdAt: Date;
  readonly withMemory: boolean;
}

/** Whole-VM snapshots: all writable disks and, of a running VM, its memory. */
export interface SnapshotStore {
  create(vm: VmCid, name: string): Promise<SnapshotFacts>;
  list(vm: VmCid): Promise<SnapshotFacts[]>;
  /** Checks first that everything the snapshot needs is there; on any refusal the VM is as it was. */
  restore(vm: VmCid, name: string): Promise<void>;
  /** Idempotent. */
  delete(vm: VmCid, name: string): Promise<void>;
}

/** VMs that sleep: their memory on the disk, nothing of them running. Across a reboot of the hypervisor's machine too. */
export interface SuspensionStore {
  /**
   * Puts the VM to sleep; one that is off, or sleeps, is left as it is. It sleeps until it is resumed, also where VMs come up by
   * themselves. Throws NoDiskSpace where its memory finds no room: then it goes on.
   */
  suspend(vm: VmCid): Promise<void>;
  /** Goes on where the VM was, its clock too: it stands where it stood. Network and storage have to be up. Starts a VM that is off. */
  resume(vm: VmCid): Promise<void>;
}

export interface Backend extends AsyncDisposable {
  readonly stemcells: StemcellStore;
  readonly vms: VmStore;
  readonly disks: DiskStore;
  readonly networks: NetworkStore;
  readonly settings: AgentSettingsStore;
  readonly ground: Ground;
  /** Absent where the hypervisor has none. */
  readonly snapshots?: SnapshotStore;
  /** Absent where the hypervisor keeps no memory of a VM. */
  readonly suspension?: SuspensionStore;
}

/** What every backend is told; `options` is its own part of the configuration. */
export interface BackendConfig {
  readonly environment: string;
  readonly uri: string;
  readonly storagePool: string;
  readonly network: string;
  /** Path of the network namespace that libvirt's bridges are in, where that is not this process's. */
  readonly networkNamespace?: string | undefined;
  readonly options: JsonObject;
}

/** What a backend asks of the machine that boshvirt runs on. */
export interface Preflight {
  /** Debian packages, with what tells that they are there. */
  readonly packages: readonly PackageNeed[];
  /** Looks at anything else; `fail` means that guests of this backend cannot be here. Ids begin with the backend's name. */
  readonly checks: readonly Check[];
  /** MiB that a guest takes beside its own memory. */
  readonly overheadMb: number;
}

export interface BackendModule {
  readonly name: string;
  readonly traits: Traits;
  /** libvirt's drivers that it works with, as URIs name them, the usual one first. */
  readonly drivers: readonly [string, ...string[]];
  /** Whether libvirt may be on another machine than the CPI. */
  readonly remote: boolean;
  /**
   * The options for a hypervisor on another machine that follow from its /proc/cpuinfo, which nobody can ask its libvirt for; absent
   * where nothing does.
   */
  optionsElsewhere?(cpuinfo: string): Promise<JsonObject>;
  /** For `up` and `doctor`; does not connect. */
  preflight(): Promise<Preflight>;
  /** Must not connect: `info` has to answer while the hypervisor is down (contract 8.1, 2). */
  open(config: BackendConfig, log: Log): Promise<Backend>;
}
