/**
 * A hypervisor that exists in memory. `MemoryHost` is the machine: whatever is opened on it, one after the other as
 * bosh's CPI processes are, sees the same VMs. It keeps the rules that backend.ts gives every store.
 */

import type { AgentSettings } from '../../src/cpi/agent/index.ts';
import type {
  AgentSettingsStore,
  Backend,
  BackendModule,
  Census,
  CreatedNetwork,
  DiskCid,
  DiskHint,
  DiskStore,
  Ground,
  GuestDisks,
  JsonObject,
  NetworkCid,
  NetworkPlan,
  NetworkRequest,
  NetworkStore,
  NicPlan,
  Orphan,
  PowerState,
  Revival,
  SnapshotCid,
  StemcellCid,
  StemcellFacts,
  StemcellStore,
  SuspensionStore,
  VmCid,
  VmFacts,
  VmSpec,
  VmStore,
} from '../../src/cpi/backend.ts';
import {
  CloudError,
  diskNotAttached,
  diskNotFound,
  stemcellNotFound,
  vmNotFound,
} from '../../src/cpi/errors.ts';
import type { StemcellImage } from '../../src/cpi/stemcell/index.ts';
import { macFor } from '../../src/platform/ids.ts';

interface MemoryVm {
  readonly spec: VmSpec;
  state: PowerState;
  settings: AgentSettings | undefined;
  metadata: JsonObject;
  readonly disks: Set<DiskCid>;
  boots: number;
  readonly madeAt: Date;
}

interface MemoryDisk {
  sizeMb: number;
  properties: JsonObject;
  metadata: JsonObject;
  readonly madeAt: Date;
}

interface MemorySnapshot {
  readonly disk: DiskCid;
  readonly sizeMb: number;
  readonly metadata: JsonObject;
  readonly takenAt: Date;
}

/** What can be made to fail: the name of a store and its method. */
export type Act =
  | `${'stemcells' | 'vms' | 'disks' | 'networks' | 'settings' | 'suspension'}.${string}`
  | 'open'
  | 'close';

export class MemoryHost {
  readonly stemcells = new Map<
    StemcellCid,
    { sha256: string; properties: JsonObject; tags: JsonObject; bytes: number; owners: Set<string> }
  >();
  readonly vms = new Map<VmCid, MemoryVm>();
  readonly disks = new Map<DiskCid, MemoryDisk>();
  readonly snapshots = new Map<SnapshotCid, MemorySnapshot>();
  readonly networks = new Map<NetworkCid, NetworkRequest>();
  /** How many addresses dynamic networks were given. */
  dynamicAddresses = 0;
  networkActive = false;
  /** What killed calls left. */
  readonly orphans: Orphan[] = [];
  /** The time by this machine's clock. */
  now = (): Date => new Date();
  /** How many backends are open. */
  open = 0;
  /** The next time that `act` is tried it throws this, once. */
  readonly failures = new Map<Act, unknown>();

  /** Throws what somebody has laid in wait for this act. */
  attempt(act: Act): void {
    if (!this.failures.has(act)) return;
    const failure = this.failures.get(act);
    this.failures.delete(act);
    throw failure;
  }

  vm(cid: VmCid): MemoryVm {
    const vm = this.vms.get(cid);
    if (!vm) throw vmNotFound(cid);
    return vm;
  }

  disk(cid: DiskCid): MemoryDisk {
    const disk = this.disks.get(cid);
    if (!disk) throw diskNotFound(cid);
    return disk;
  }

  userOf(disk: DiskCid): VmCid | undefined {
    return [...this.vms].find(([, vm]) => vm.disks.has(disk))?.[0];
  }
}

/** The module that a registry would hand out for this host. */
export function memoryModule(host: MemoryHost): BackendModule {
  return {
    name: 'memory',
    traits: {
      stemcellFormats: ['openstack-qcow2', 'openstack-raw'],
      settingsMedium: 'config-drive',
      preconfiguredNetworks: false,
    },
    drivers: ['memory'],
    remote: false,
    preflight: async () => ({ packages: [], checks: [], overheadMb: 0 }),
    async open() {
      return openMemory(host);
    },
  };
}

export function openMemory(host: MemoryHost): Backend {
  host.attempt('open');
  host.open++;
  return {
    stemcells: new MemoryStemcells(host),
    vms: new MemoryVms(host),
    disks: new MemoryDisks(host),
    networks: new MemoryNetworks(host),
    settings: new MemorySettings(host),
    ground: new MemoryGround(host),
    suspension: new MemorySuspension(host),
    async [Symbol.asyncDispose]() {
      host.open--;
      host.attempt('close');
    },
  };
}

class MemoryStemcells implements StemcellStore {
  readonly #host: MemoryHost;
  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async import(image: StemcellImage, { sha256, properties, tags, owner }: StemcellFacts) {
    const cid = `sc-${sha256.slice(0, 17)}` as StemcellCid;
    this.#host.attempt('stemcells.import');
    const known = this.#host.stemcells.get(cid);
    known?.owners.add(owner);
    if (known) return cid;
    let bytes = 0;
    for await (const chunk of image.open()) bytes += chunk.length;
    this.#host.stemcells.set(cid, { sha256, properties, tags, bytes, owners: new Set([owner]) });
    return cid;
  }

  async has(cid: StemcellCid) {
    return this.#host.stemcells.has(cid);
  }

  async delete(cid: StemcellCid, owner: string) {
    const owners = this.#host.stemcells.get(cid)?.owners;
    owners?.delete(owner);
    if (owners?.size === 0) this.#host.stemcells.delete(cid);
  }
}

class MemoryVms implements VmStore {
  readonly #host: MemoryHost;
  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async create(spec: VmSpec): Promise<GuestDisks> {
    if (!this.#host.stemcells.has(spec.stemcell)) throw stemcellNotFound(spec.stemcell);
    for (const ip of spec.nics.flatMap(({ ips }) => ips)) {
      const owner = [...this.#host.vms.values()].find((vm) =>
        vm.spec.nics.some(({ ips }) => ips.includes(ip)),
      );
      if (!owner) continue;
      const message = `Address ${ip} is in use by VM ${owner.spec.cid}`;
      throw new CloudError('VMCreationFailed', message, { okToRetry: true });
    }
    const disks = new Set<DiskCid>();
    const fresh = { state: 'off', settings: undefined, metadata: {}, boots: 0 } as const;
    this.#host.vms.set(spec.cid, { spec, ...fresh, disks, madeAt: this.#host.now() });
    this.#host.attempt('vms.create'); // after the act: what a half-made VM leaves is the caller's to delete
    const hasEphemeral = spec.cloudProperties.ephemeral_disk !== 0;
    return { system: '/dev/vda', ephemeral: hasEphemeral ? '/dev/vdb' : undefined };
  }

  async has(cid: VmCid) {
    return this.#host.vms.has(cid);
  }

  async start(cid: VmCid) {
    const vm = this.#host.vm(cid);
    this.#host.attempt('vms.start');
    if (vm.state !== 'running') vm.boots++;
    vm.state = 'running';
  }

  async reboot(cid: VmCid) {
    const vm = this.#host.vm(cid);
    vm.state = 'off';
    await this.start(cid);
  }

  async delete(cid: VmCid) {
    this.#host.attempt('vms.delete');
    this.#host.vms.delete(cid);
  }

  async attachDisk(cid: VmCid, disk: DiskCid): Promise<DiskHint> {
    const vm = this.#host.vm(cid);
    this.#host.disk(disk);
    const user = this.#host.userOf(disk);
    if (user && user !== cid)
      throw new CloudError('CloudError', `Disk '${disk}' is attached to VM '${user}'`);
    vm.disks.add(disk);
    return { path: `/dev/disk/by-id/virtio-${disk}` };
  }

  async detachDisk(cid: VmCid, disk: DiskCid) {
    if (!this.#host.vm(cid).disks.delete(disk)) throw diskNotAttached(cid, disk);
  }

  async listDisks(cid: VmCid) {
    return [...this.#host.vm(cid).disks];
  }

  async setMetadata(cid: VmCid, metadata: JsonObject) {
    this.#host.vm(cid).metadata = metadata;
  }

  cloudPropertiesFor(needs: { cpus: number; memoryMb: number; ephemeralDiskMb: number }): JsonObject {
    return { cpus: needs.cpus, memory: needs.memoryMb, ephemeral_disk: needs.ephemeralDiskMb };
  }
}

class MemoryDisks implements DiskStore {
  readonly #host: MemoryHost;
  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async create(cid: DiskCid, sizeMb: number, properties: JsonObject) {
    this.#host.attempt('disks.create');
    this.#host.disks.set(cid, { sizeMb, properties, metadata: {}, madeAt: this.#host.now() });
  }

  async has(cid: DiskCid) {
    return this.#host.disks.has(cid);
  }

  async delete(cid: DiskCid) {
    const user = this.#host.userOf(cid);
    if (user) throw new CloudError('CloudError', `Disk '${cid}' is attached to VM '${user}'`);
    this.#host.disks.delete(cid);
  }

  async setMetadata(cid: DiskCid, metadata: JsonObject) {
    this.#host.disk(cid).metadata = metadata;
  }

  async resize(cid: DiskCid, sizeMb: number) {
    const disk = this.#host.disk(cid);
    if (sizeMb < disk.sizeMb) throw new CloudError('NotSupported', `Disk '${cid}' cannot shrink`);
    disk.sizeMb = sizeMb;
  }

  async update(cid: DiskCid, sizeMb: number, properties: JsonObject) {
    await this.resize(cid, sizeMb);
    this.#host.disk(cid).properties = properties;
    return cid;
  }

  async snapshot(cid: SnapshotCid, disk: DiskCid, metadata: JsonObject) {
    const { sizeMb } = this.#host.disk(disk);
    this.#host.attempt('disks.snapshot');
    this.#host.snapshots.set(cid, { disk, sizeMb, metadata, takenAt: this.#host.now() });
  }

  async deleteSnapshot(cid: SnapshotCid) {
    this.#host.snapshots.delete(cid);
  }
}

class MemoryNetworks implements NetworkStore {
  readonly #host: MemoryHost;
  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async plan(vm: VmCid, networks: Parameters<NetworkStore['plan']>[1]): Promise<NetworkPlan> {
    this.#host.attempt('networks.plan');
    const vip = Object.entries(networks).find(([, { type }]) => type === 'vip');
    if (vip) throw new CloudError('NotSupported', `Network '${vip[0]}' is of type vip`);
    const planned = Object.entries(networks).map(([name, spec]) => ({
      name,
      // networks of a group share a NIC, and so its MAC
      mac: macFor(vm, spec.nic_group === undefined ? name : `group ${spec.nic_group}`),
      spec: spec.type === 'dynamic' ? { ...spec, ...this.#freeAddress(), netmask: '255.255.0.0' } : spec,
    }));
    const nics = [...Map.groupBy(planned, ({ mac }) => mac)].map(([mac, group]) => ({
      networks: group.map(({ name }) => name),
      hostNetwork: 'memory',
      mac,
      ips: group.flatMap(({ spec }) => spec.ip ?? []),
    }));
    const isGateway = ({ networks: names }: NicPlan) =>
      names.some((name) => networks[name]?.default?.includes('gateway'));
    return {
      nics: nics.sort((a, b) => Number(isGateway(b)) - Number(isGateway(a))),
      networks: Object.fromEntries(planned.map(({ name, mac, spec }) => [name, { ...spec, mac }])),
    };
  }

  #freeAddress(): { ip: string } {
    this.#host.dynamicAddresses++;
    return { ip: `10.1.128.${this.#host.dynamicAddresses}` };
  }

  async create(cid: NetworkCid, request: NetworkRequest): Promise<CreatedNetwork> {
    this.#host.attempt('networks.create');
    this.#host.networks.set(cid, request);
    const { range = '10.1.0.0/24', gateway = '10.1.0.1' } = request;
    return {
      range,
      gateway,
      reserved: [gateway],
      cloudProperties: { ...request.cloudProperties, name: cid },
    };
  }

  async delete(cid: NetworkCid) {
    const used = [...this.#host.vms.values()].some(({ spec }) =>
      Object.values(spec.networks).some((network) => network.cloud_properties?.name === cid),
    );
    if (used) throw new CloudError('CloudError', `Network '${cid}' has VMs`);
    this.#host.networks.delete(cid);
  }
}

class MemorySettings implements AgentSettingsStore {
  readonly #host: MemoryHost;
  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async write(cid: VmCid, settings: AgentSettings) {
    this.#host.attempt('settings.write');
    this.#host.vm(cid).settings = settings;
  }

  async read(cid: VmCid) {
    const { settings } = this.#host.vm(cid);
    if (!settings) throw new CloudError('CloudError', `VM '${cid}' has no settings`);
    return settings;
  }
}

class MemorySuspension implements SuspensionStore {
  readonly #host: MemoryHost;
  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async suspend(cid: VmCid) {
    const vm = this.#host.vm(cid);
    this.#host.attempt('suspension.suspend');
    if (vm.state !== 'off') vm.state = 'suspended';
  }

  async resume(cid: VmCid) {
    const vm = this.#host.vm(cid);
    this.#host.attempt('suspension.resume');
    vm.state = 'running';
  }
}

class MemoryGround implements Ground {
  readonly #host: MemoryHost;
  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async prepare() {
    this.#host.networkActive = true;
    return [];
  }

  async prepareJoined() {
    await this.prepare();
  }

  async freeBytes() {
    return 100 * 2 ** 30;
  }

  async inventory() {
    const { vms, disks, stemcells, networkActive } = this.#host;
    const facts = [...vms].map(([cid, vm]): VmFacts => {
      const { stemcell, nics } = vm.spec;
      const { state } = vm;
      return {
        cid,
        environment: 'memory',
        state,
        stemcell,
        nics,
        disks: [...vm.disks],
        cpus: 1,
        memoryMb: 1024,
      };
    });
    const kept = {
      disks: [...disks.keys()],
      snapshots: [...this.#host.snapshots.keys()],
      stemcells: [...stemcells.keys()],
      networks: [...this.#host.networks.keys()],
    };
    return { vms: facts, ...kept, networkActive, storageActive: networkActive };
  }

  async census(): Promise<Census> {
    const { vms } = await this.inventory();
    return {
      vms: vms.map((vm) => ({ ...vm, ...this.#detailsOf(vm.cid) })),
      disks: [...this.#host.disks].map(([cid, { sizeMb, metadata, madeAt }]) => ({
        cid,
        sizeBytes: sizeMb * 2 ** 20,
        bytesOnDisk: 0,
        attachedTo: this.#host.userOf(cid),
        metadata,
        changedAt: madeAt,
      })),
      snapshots: [...this.#host.snapshots].map(([cid, { disk, metadata, takenAt }]) => ({
        cid,
        disk,
        bytesOnDisk: 0,
        takenAt,
        metadata,
      })),
    };
  }

  #detailsOf(cid: VmCid) {
    const { metadata, madeAt } = this.#host.vm(cid);
    const asText = Object.entries(metadata).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    return { metadata: Object.fromEntries(asText), madeAt, bytesOnDisk: 0 };
  }

  async environments() {
    return this.#host.networkActive ? ['memory'] : [];
  }

  async orphans() {
    return [...this.#host.orphans];
  }

  async removeOrphan(orphan: Orphan) {
    const at = this.#host.orphans.findIndex(({ kind, name }) => kind === orphan.kind && name === orphan.name);
    if (at >= 0) this.#host.orphans.splice(at, 1);
    return at >= 0;
  }

  async revive(first?: VmCid) {
    const wasActive = this.#host.networkActive;
    this.#host.networkActive = true;
    const network = { part: 'network', name: 'memory' } as const;
    const report: Revival[] = [
      { ...network, found: wasActive ? 'running' : 'stopped', done: wasActive ? undefined : 'started' },
    ];
    const vms = [...this.#host.vms].sort(([a], [b]) => Number(b === first) - Number(a === first));
    for (const [cid, vm] of vms) {
      const done = { running: undefined, off: 'started', paused: 'resumed', suspended: 'resumed' }[vm.state];
      report.push({ part: 'vm', name: cid, found: vm.state, done });
      vm.state = 'running';
    }
    return report;
  }

  async takenRanges() {
    return [...this.#host.networks].flatMap(([name, { range }]) =>
      range === undefined ? [] : [{ cidr: range, network: name, owner: `network '${name}'` }],
    );
  }

  async clear() {
    for (const things of [this.#host.vms, this.#host.disks, this.#host.stemcells, this.#host.networks])
      things.clear();
    this.#host.networkActive = false;
  }

  async *consoleLog(cid: VmCid) {
    yield Buffer.from(`booted ${this.#host.vm(cid).boots} times\n`);
  }

  async vmDefinition(cid: VmCid) {
    return JSON.stringify(this.#host.vm(cid).spec);
  }

  async networkDefinition() {
    return JSON.stringify({ name: 'memory', active: this.#host.networkActive });
  }

  async accelerator() {
    return 'none';
  }
}
