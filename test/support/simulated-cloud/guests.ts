import type { JsonValue } from '../../../src/cpi/backend.ts';
import type { Guest, GuestFacts, Guests } from '../../../src/verify/guests/guest.ts';
import type { Disk, SimulatedCloud, Vm } from './cloud.ts';

const store = '/var/vcap/store/';
/** Of a disk, once there is a file system on it. */
const fileSystemShare = 0.9;

/** The guests of a simulated cloud, as they would be seen from inside. */
export class SimulatedGuests implements Guests {
  readonly secrets = ['-----BEGIN SIMULATED KEY-----'];
  readonly env = { bosh: { mbus: { cert: { private_key: this.secrets[0] ?? '' } } } };
  readonly noticeTimeoutMs = 0;
  readonly #cloud: SimulatedCloud;

  constructor(cloud: SimulatedCloud) {
    this.#cloud = cloud;
  }

  at(address: string): Guest {
    return new SimulatedGuest(this.#cloud, address);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class SimulatedGuest implements Guest {
  readonly #cloud: SimulatedCloud;
  readonly #address: string;

  constructor(cloud: SimulatedCloud, address: string) {
    this.#cloud = cloud;
    this.#address = address;
  }

  #found(): Vm | undefined {
    return [...this.#cloud.vms.values()].find(
      (vm) => vm.running && vm.nics.some(({ ips }) => ips.includes(this.#address)),
    );
  }

  get #vm(): Vm {
    const vm = this.#found();
    if (!vm) throw new Error(`nobody answers at ${this.#address}`);
    return vm;
  }

  async awake(): Promise<void> {
    this.#vm.running = true;
  }

  async silent(): Promise<boolean> {
    return this.#found() === undefined;
  }

  async agentId(): Promise<string> {
    return this.#vm.agentId;
  }

  async facts(): Promise<GuestFacts> {
    const { nics, boots, root, properties, mounted } = this.#vm;
    const gateway = nics.findIndex(({ isGateway }) => isGateway);
    const onStore = mounted[0] === undefined ? undefined : this.#cloud.disks.get(mounted[0]);
    return {
      boot: `${root.name} ${boots}`,
      nics: nics.map(({ mac, ips }, at) => ({ name: `eth${at}`, mac, addresses: ips })),
      gatewayNic: gateway === -1 ? undefined : `eth${gateway}`,
      memoryMb: Number(properties.memory),
      dataMb: Number(properties.ephemeral_disk),
      storeMb: onStore?.fileSystemMb,
    };
  }

  async diskMb(cid: string, hint: JsonValue): Promise<number | undefined> {
    const named = JSON.stringify(hint).includes(cid);
    return named && this.#vm.disks.has(cid) ? this.#cloud.disks.get(cid)?.sizeMb : undefined;
  }

  async mount(cid: string, hint: JsonValue): Promise<void> {
    if ((await this.diskMb(cid, hint)) === undefined) throw new Error(`${cid} was not found`);
    const disk = this.#cloud.disks.get(cid) as Disk;
    disk.fileSystemMb = disk.preformattedMb ?? disk.sizeMb * fileSystemShare;
    if (!this.#vm.mounted.includes(cid)) this.#vm.mounted.push(cid);
  }

  async unmount(cid: string): Promise<void> {
    this.#vm.mounted = this.#vm.mounted.filter((each) => each !== cid);
  }

  async migrate(): Promise<void> {
    const [from, to] = this.#vm.mounted.map((cid) => this.#cloud.disks.get(cid));
    if (!from || !to) throw new Error('migrate_disk needs two disks');
    to.files = new Map(from.files);
    this.#vm.mounted = this.#vm.mounted.slice(1);
  }

  async mounted(): Promise<string[]> {
    return [...this.#vm.mounted];
  }

  #filesFor(path: string): Map<string, string> {
    const onStore = path.startsWith(store) ? this.#vm.mounted[0] : undefined;
    return (onStore === undefined ? undefined : this.#cloud.disks.get(onStore)?.files) ?? this.#vm.root.files;
  }

  async write(path: string, text: string): Promise<void> {
    this.#filesFor(path).set(path, text);
  }

  async read(path: string): Promise<string | undefined> {
    return this.#filesFor(path).get(path);
  }

  async powerOff(): Promise<void> {
    this.#vm.running = false;
  }
}
