/**
 * A cloud that exists in memory with a CPI that keeps the whole contract: the honest one against which liars are told. Every
 * part can be replaced, to make a liar of it.
 */
import type { JsonObject, JsonValue } from '../../../src/cpi/backend.ts';
import type { CpiProgram, RawAnswer } from '../../../src/verify/exchange.ts';

export interface Disk {
  sizeMb: number;
  /** Size of the file system on it, once there is one. */
  fileSystemMb: number | undefined;
  /** Size of a file system that it comes with; the agent would make one that fills the disk. */
  preformattedMb?: number;
  files: Map<string, string>;
  metadata: JsonObject;
}

export interface Nic {
  readonly networks: readonly string[];
  mac: string;
  readonly ips: readonly string[];
  readonly isGateway: boolean;
}

export interface Vm {
  readonly agentId: string;
  readonly properties: JsonObject;
  nics: Nic[];
  running: boolean;
  boots: number;
  /** In the hypervisor's definition. */
  readonly disks: Set<string>;
  /** By the guest's agent: on the store, then beside it for a migration. */
  mounted: string[];
  root: { readonly name: string; readonly files: Map<string, string> };
  metadata: JsonObject;
}

class SimulatedError extends Error {
  readonly type: string;
  readonly okToRetry: boolean;
  constructor(type: string, message: string, okToRetry = false) {
    super(message);
    this.type = type;
    this.okToRetry = okToRetry;
  }
}

export const failure = (type: string, message = type, okToRetry = false): Error =>
  new SimulatedError(type, message, okToRetry);

type Method = (...args: JsonValue[]) => JsonValue | undefined;

const storageMb = 1 << 20;

export class SimulatedCloud {
  readonly stemcells = new Map<string, string>();
  readonly vms = new Map<string, Vm>();
  readonly disks = new Map<string, Disk>();
  readonly snapshots = new Map<string, string>();
  readonly networks = new Map<string, JsonObject>();
  /** The CPI's methods by their names on the wire; a liar replaces some. */
  readonly methods: Record<string, Method>;
  /** What each process writes; a liar's says something else. */
  write: (answer: RawAnswer, request: string) => RawAnswer = (answer) => answer;
  /** Content of the image files that create_stemcell may read, by path; undefined: no image. */
  readonly readImage: (path: string) => string | undefined;
  #made = 0;

  constructor(readImage: (path: string) => string | undefined) {
    this.readImage = readImage;
    this.methods = {
      ...stemcellMethods(this),
      ...vmMethods(this),
      ...diskMethods(this),
      ...otherMethods(this),
    };
  }

  readonly program: CpiProgram = async (request) => {
    const { result, error } = this.#answer(request);
    const stdout = `${JSON.stringify({ result: result ?? null, error: error ?? null, log: '' })}\n`;
    return this.write({ stdout, stderr: 'a log line\n', exitCode: 0, heldOpen: false }, request);
  };

  /** The same with the hypervisor out of reach. */
  readonly cutOff: CpiProgram = async (request, caller) => {
    if (request.includes('"info"')) return await this.program(request, caller);
    const error = { type: 'Bosh::Clouds::CloudError', message: 'nobody answers', ok_to_retry: false };
    const stdout = JSON.stringify({ result: null, error, log: '' });
    return { stdout, stderr: '', exitCode: 0, heldOpen: false };
  };

  /** The same on a storage that has no room. */
  readonly cramped: CpiProgram = async (request) => {
    const error = { type: 'Bosh::Clouds::NoDiskSpace', message: 'full', ok_to_retry: false };
    const stdout = JSON.stringify({ result: null, error, log: '' });
    return this.write({ stdout, stderr: '', exitCode: 0, heldOpen: false }, request);
  };

  #answer(request: string): { result?: JsonValue | undefined; error?: JsonObject } {
    try {
      const { method, arguments: args } = JSON.parse(request) as { method: string; arguments: JsonValue[] };
      const act = this.methods[method];
      if (!act) throw failure('NotImplemented', `there is no ${method}`);
      return { result: act(...args) };
    } catch (error) {
      const { type, okToRetry } =
        error instanceof SimulatedError ? error : { type: 'CpiError', okToRetry: false };
      const message = error instanceof Error ? error.message : '';
      return { error: { type: `Bosh::Clouds::${type}`, message, ok_to_retry: okToRetry } };
    }
  }

  newCid(kind: string): string {
    this.#made += 1;
    return `${kind}-${String(this.#made).padStart(19 - kind.length, '0')}`;
  }

  vm(cid: JsonValue | undefined): Vm {
    const vm = this.vms.get(text(cid));
    if (!vm) throw failure('VMNotFound', `VM '${cid}' not found`);
    return vm;
  }

  disk(cid: JsonValue | undefined): Disk {
    const disk = this.disks.get(text(cid));
    if (!disk) throw failure('DiskNotFound', `Disk '${cid}' not found`);
    return disk;
  }

  userOf(disk: JsonValue | undefined): string | undefined {
    return [...this.vms].find(([, vm]) => vm.disks.has(text(disk)))?.[0];
  }

  start(vm: Vm): void {
    vm.running = true;
    vm.boots += 1;
    vm.mounted = vm.mounted.slice(0, 1).filter((disk) => vm.disks.has(disk));
  }
}

export function text(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw failure('CpiError', `${JSON.stringify(value)} is no string`);
  return value;
}

const stemcellMethods = (cloud: SimulatedCloud): Record<string, Method> => ({
  create_stemcell(path) {
    const content = cloud.readImage(text(path));
    if (content === undefined) throw failure('CloudError', `${path} is no image`);
    const known = [...cloud.stemcells].find(([, there]) => there === content)?.[0];
    const cid = known ?? cloud.newCid('sc');
    cloud.stemcells.set(cid, content);
    return cid;
  },
  delete_stemcell(cid) {
    cloud.stemcells.delete(text(cid));
    return null;
  },
});

const vmMethods = (cloud: SimulatedCloud): Record<string, Method> => ({
  create_vm(agentId, stemcell, properties, networks) {
    if (!cloud.stemcells.has(text(stemcell))) throw failure('CloudError', `no stemcell ${stemcell}`);
    if (Object.values(properties as JsonObject).some((value) => typeof value !== 'number'))
      throw failure('CloudError', 'cloud properties are numbers');
    const cid = cloud.newCid('vm');
    const sent = networks as Record<string, JsonObject>;
    if (Object.values(sent).some(({ type }) => type === 'vip')) throw failure('NotSupported', 'vip');
    const nics = nicsFor(cid, sent);
    refuseTaken(cloud, nics);
    const root = { name: `${cid}-root`, files: new Map<string, string>() };
    const facts = { agentId: text(agentId), properties: properties as JsonObject, nics, root };
    const vm: Vm = { ...facts, running: false, boots: 0, disks: new Set(), mounted: [], metadata: {} };
    cloud.vms.set(cid, vm);
    cloud.start(vm);
    return [cid, toldNetworks(sent, nics)];
  },
  has_vm: (cid) => cloud.vms.has(text(cid)),
  delete_vm(cid) {
    cloud.vms.delete(text(cid));
    return null;
  },
  reboot_vm(cid) {
    cloud.start(cloud.vm(cid));
    return null;
  },
  set_vm_metadata(cid, metadata) {
    cloud.vm(cid).metadata = metadata as JsonObject;
    return null;
  },
  calculate_vm_cloud_properties(wanted) {
    const { cpu, ram, ephemeral_disk_size } = wanted as {
      cpu: number;
      ram: number;
      ephemeral_disk_size: number;
    };
    return { cpus: cpu, memory: ram, ephemeral_disk: ephemeral_disk_size };
  },
  get_disks: (cid) => [...cloud.vm(cid).disks],
});

const diskMethods = (cloud: SimulatedCloud): Record<string, Method> => ({
  create_disk(sizeMb) {
    const size = Number(sizeMb);
    if (size > storageMb) throw failure('NoDiskSpace');
    const cid = cloud.newCid('disk');
    cloud.disks.set(cid, { sizeMb: size, fileSystemMb: undefined, files: new Map(), metadata: {} });
    return cid;
  },
  has_disk: (cid) => cloud.disks.has(text(cid)),
  delete_disk(cid) {
    const user = cloud.userOf(cid);
    if (user) throw failure('CloudError', `${cid} is attached to ${user}`);
    cloud.disks.delete(text(cid));
    return null;
  },
  attach_disk(vmCid, disk) {
    const vm = cloud.vm(vmCid);
    cloud.disk(disk);
    const user = cloud.userOf(disk);
    if (user && user !== vmCid) throw failure('CloudError', `${disk} is attached to ${user}`);
    vm.disks.add(text(disk));
    return { path: `/dev/disk/by-id/virtio-${disk}` };
  },
  detach_disk(vmCid, disk) {
    const vm = cloud.vm(vmCid);
    if (!vm.disks.delete(text(disk))) throw failure('DiskNotAttached');
    vm.mounted = vm.mounted.filter((each) => each !== disk);
    return null;
  },
  set_disk_metadata(cid, metadata) {
    cloud.disk(cid).metadata = metadata as JsonObject;
    return null;
  },
  resize_disk(cid, sizeMb) {
    const disk = cloud.disk(cid);
    if (Number(sizeMb) < disk.sizeMb) throw failure('NotSupported', 'a disk cannot be made smaller');
    disk.sizeMb = Number(sizeMb);
    return null;
  },
  update_disk(cid, sizeMb) {
    const disk = cloud.disk(cid);
    cloud.disks.delete(text(cid));
    const other = cloud.newCid('disk');
    cloud.disks.set(other, { ...disk, sizeMb: Number(sizeMb) });
    return other;
  },
});

const otherMethods = (cloud: SimulatedCloud): Record<string, Method> => ({
  info: () => ({ stemcell_formats: ['simulated'], api_version: 3 }),
  snapshot_disk(cid) {
    const { files } = cloud.disk(cid);
    const snapshot = cloud.newCid('snap');
    cloud.snapshots.set(snapshot, [...files.values()].join('\n'));
    return snapshot;
  },
  delete_snapshot(cid) {
    cloud.snapshots.delete(text(cid));
    return null;
  },
  create_network(definition) {
    const { range, gateway } = definition as JsonObject;
    const cid = cloud.newCid('net');
    cloud.networks.set(cid, definition as JsonObject);
    return [cid, { range: range ?? null, gateway: gateway ?? null, reserved: [] }, { name: cid }];
  },
  delete_network(cid) {
    cloud.networks.delete(text(cid));
    return null;
  },
});

/** Each network by itself, or with the others of its group. */
function nicsFor(cid: string, networks: Record<string, JsonObject>): Nic[] {
  const groups = Map.groupBy(Object.entries(networks), ([name, { nic_group: group }]) => group ?? name);
  return [...groups.values()].map((members, at) => ({
    networks: members.map(([name]) => name),
    ips: members.map(([, { ip }]) => (ip === undefined ? `10.0.0.${200 + Number(cid.slice(-2))}` : text(ip))),
    mac: `52:54:00:${cid.slice(-4, -2)}:${cid.slice(-2)}:0${at}`,
    isGateway: members.some(
      ([, { default: defaults }]) => Array.isArray(defaults) && defaults.includes('gateway'),
    ),
  }));
}

/** The networks as they were sent, with what the cloud has decided. */
function toldNetworks(sent: Record<string, JsonObject>, nics: readonly Nic[]): Record<string, JsonObject> {
  const told = nics.flatMap(({ networks, ips, mac }) =>
    networks.map((name, at) => [name, { ip: ips[at] ?? '', ...sent[name], mac }] as const),
  );
  return Object.fromEntries(told);
}

function refuseTaken(cloud: SimulatedCloud, nics: readonly Nic[]): void {
  for (const [cid, { nics: theirs }] of cloud.vms) {
    const theirIps = theirs.flatMap(({ ips }) => ips);
    const taken = nics.flatMap(({ ips }) => ips).find((ip) => theirIps.includes(ip));
    if (taken) throw failure('VMCreationFailed', `${taken} is in use by ${cid}`, true);
  }
}
