import { type Domain, LibvirtError, type Pool, parseXml } from '../../clients/libvirt/index.ts';
import { fillTemplate } from '../../platform/template.ts';
import type {
  Census,
  DiskCid,
  Ground,
  GroundPlan,
  Inventory,
  NetworkCid,
  Orphan,
  Owners,
  Revival,
  SnapshotCid,
  StemcellCid,
  TakenRange,
  VmCid,
  VmFacts,
} from '../backend.ts';
import { CloudError, vmNotFound } from '../errors.ts';
import { powerState, removeDomain } from './domains.ts';
import { cloudErrorFrom } from './errors.ts';
import { refreshPool } from './free-bytes.ts';
import { type LibvirtHost, poolPathIn } from './libvirt-host.ts';
import { formatRange } from './networks/addresses.ts';
import { closeForwards, forwardsStand } from './networks/forward-host.ts';
import { managedNetworks } from './networks/look-up.ts';
import { removeNetwork } from './networks/managed-networks.ts';
import { giveUpAddresses } from './networks.ts';
import type { Remains } from './orphans/index.ts';
import { folderOf, ownVolumesElsewhere, startPool } from './pools.ts';
import { readVmRecord, type VmRecord, vmRecords } from './vm-records.ts';
import { removeVolume } from './volumes.ts';

const stemcellName = /^(sc-[0-9a-f]+)\.json$/;

/** What is a backend's own in an environment's ground. */
export interface GroundParts {
  /** Matches the name of a disk's volume and, in its group, the disk's CID. */
  readonly diskVolume: RegExp;
  readonly snapshotVolume: RegExp;
  /** The persistent disks in a domain's XML, by CID. */
  disksIn(domainXml: string): readonly string[];
  /** The volume that a VM's console is logged to. */
  consoleVolume(vm: VmCid): string;
  /** Starts a VM that is off, with all that its disks need. */
  start(vm: VmCid): Promise<void>;
  /** Frees what a stopped VM still holds of the machine. */
  readonly letGo?: (domain: Domain) => Promise<void>;
  accelerator(): Promise<string>;
  /** What killed calls leave besides volumes and networks. */
  readonly remains?: readonly Remains[];
}

/** The environment's storage pool and NAT network, and what stands on them. */
export class LibvirtGround implements Ground {
  readonly #host: LibvirtHost;
  readonly #parts: GroundParts;

  constructor(host: LibvirtHost, parts: GroundParts) {
    this.#host = host;
    this.#parts = parts;
  }

  async prepare(plan: GroundPlan): Promise<readonly string[]> {
    const [{ refuseClashes }, { prepareNetwork }] = await Promise.all([
      import('./networks/clashes.ts'), // here: the CPI never lays it
      import('./networks/ground-network.ts'),
    ]);
    await refuseClashes(this.#host, plan);
    await this.#preparePool(plan.poolPath);
    return await prepareNetwork(this.#host, plan);
  }

  async prepareJoined({ poolPath, bridge }: Pick<GroundPlan, 'poolPath' | 'bridge'>): Promise<void> {
    const { prepareJoinedNetwork } = await import('./networks/joined-network.ts');
    await this.#preparePool(poolPath);
    await prepareJoinedNetwork(this.#host, bridge);
  }

  async #preparePool(path: string): Promise<void> {
    const { libvirt, config } = this.#host;
    const name = config.storagePool;
    try {
      let pool = await libvirt.findPool(name);
      if (pool) refuseOtherFolder(name, poolPathIn(await pool.xml()), path);
      pool ??= await libvirt.definePool(fillTemplate('libvirt/pool.xml', { name, path }));
      await pool.setAutostart(true);
      if (await pool.isActive()) return;
      await pool.build();
      await pool.start();
    } catch (error) {
      throw cloudErrorFrom(error, `Making storage pool ${name} in ${path}`);
    }
  }

  async freeBytes(): Promise<number> {
    const pool = await this.#host.pool();
    await refreshPool(pool);
    return (await pool.info()).availableBytes;
  }

  async inventory(): Promise<Inventory> {
    const { libvirt, config } = this.#host;
    const { waysStand } = await import('./networks/ground-network.ts');
    const [pool, network, managed, records] = await Promise.all([
      libvirt.findPool(config.storagePool),
      libvirt.findNetwork(config.network),
      managedNetworks(libvirt, config.environment),
      vmRecords(libvirt),
    ]);
    const storageActive = (await pool?.isActive()) ?? false;
    const volumes = pool && storageActive ? (await pool.listVolumes()).map((volume) => volume.name) : [];
    const own = records.filter((record) => record.environment === config.environment);
    const vms = await Promise.all(own.map((record) => this.#factsOf(record.cid as VmCid)));
    return {
      vms: vms.filter((vm) => vm !== undefined),
      disks: named(volumes, this.#parts.diskVolume) as DiskCid[],
      snapshots: named(volumes, this.#parts.snapshotVolume) as SnapshotCid[],
      stemcells: named(volumes, stemcellName) as StemcellCid[],
      networks: managed.map(({ name }) => name as NetworkCid),
      networkActive:
        ((await network?.isActive()) ?? false) &&
        (await waysStand(this.#host, network)) &&
        (await forwardsStand(this.#host, own)),
      storageActive,
    };
  }

  /** undefined for a VM that went away meanwhile. */
  async #factsOf(cid: VmCid): Promise<VmFacts | undefined> {
    const domain = await this.#host.findVm(cid);
    const record = domain && (await readVmRecord(domain));
    if (!domain || !record) return undefined;
    const [xml, state] = await Promise.all([domain.xml({ inactive: true }), powerState(domain)]);
    const root = parseXml(xml).child('domain');
    return {
      cid,
      environment: record.environment,
      state,
      stemcell: record.stemcell as StemcellCid,
      nics: record.nics,
      disks: this.#parts.disksIn(xml) as DiskCid[],
      cpus: Number(root?.child('vcpu')?.text),
      memoryMb: Math.round(Number(root?.child('memory')?.text) / 1024), // libvirt answers in KiB
    };
  }

  async census(): Promise<Census> {
    const { takeCensus } = await import('./census.ts'); // for people: the CPI never asks
    return await takeCensus(this.#host, await this.inventory());
  }

  async environments(): Promise<string[]> {
    const { environmentsOn } = await import('./orphans/index.ts');
    return await environmentsOn(this.#host);
  }

  async orphans(owners: Owners): Promise<Orphan[]> {
    const { findOrphans } = await import('./orphans/index.ts');
    return await findOrphans(this.#host, this.#parts.remains ?? [], owners);
  }

  async removeOrphan(orphan: Orphan, owners: Owners): Promise<boolean> {
    const { removeOrphan } = await import('./orphans/index.ts');
    return await removeOrphan(this.#host, this.#parts.remains ?? [], orphan, owners);
  }

  async revive(first?: VmCid): Promise<readonly Revival[]> {
    const { reviveGround } = await import('./revive.ts'); // for people: the CPI never does
    return await reviveGround(this.#host, this.#parts, await this.#stateOfVms(), first);
  }

  /** Own VMs, however they are; the pool may be stopped. */
  async #stateOfVms(): Promise<VmFacts[]> {
    const facts = await Promise.all((await this.#ownRecords()).map(({ cid }) => this.#factsOf(cid as VmCid)));
    return facts.filter((vm) => vm !== undefined);
  }

  async takenRanges(): Promise<readonly TakenRange[]> {
    const { rangesOfNetworks } = await import('./networks/clashes.ts');
    const ranges = await rangesOfNetworks(this.#host);
    return ranges
      .filter(({ range }) => range.family === 4)
      .map(({ range, ...rest }) => ({ cidr: formatRange(range), ...rest }));
  }

  async clear(): Promise<void> {
    const { libvirt, config } = this.#host;
    const pool = await libvirt.findPool(config.storagePool);
    const folder = pool && (await folderOf(pool));
    const records = await this.#ownRecords();
    for (const record of records) {
      const domain = await this.#host.findVm(record.cid);
      if (!domain) continue;
      const elsewhere = await ownVolumesElsewhere(this.#host, domain, folder);
      // addresses may be other people's networks'; its other volumes go with the pool
      await giveUpAddresses(this.#host, domain, () => removeDomain(domain, this.#parts.letGo));
      await Promise.all(elsewhere.map(removeVolume));
    }
    await closeForwards(this.#host);
    await this.#removeRemains();
    for (const network of await managedNetworks(libvirt, config.environment)) await removeNetwork(network);
    const network = await libvirt.findNetwork(config.network);
    if (network) await removeNetwork(network);
    await this.#removePool(pool);
  }

  /** What calls that were killed have left beside the VMs and the pool. */
  async #removeRemains(): Promise<void> {
    for (const { find, remove } of this.#parts.remains ?? []) {
      const found = await find(this.#host, { gone: true, cids: new Set() });
      await Promise.all(found.map(({ name }) => remove(this.#host, name)));
    }
  }

  async #ownRecords(): Promise<VmRecord[]> {
    const { libvirt, config } = this.#host;
    return (await vmRecords(libvirt)).filter((record) => record.environment === config.environment);
  }

  /** A folder that holds more than volumes stays, and one that somebody deleted is no hindrance. */
  async #removePool(pool: Pool | undefined): Promise<void> {
    if (!pool) return;
    const what = `storage pool ${pool.name}`;
    const readFolder = async () => {
      await startPool(pool);
      await refreshPool(pool);
    };
    if (await this.#works(`reading the folder of ${what}`, readFolder)) {
      for (const volume of await pool.listVolumes()) await volume.delete();
      await pool.destroy();
      await this.#works(`deleting the folder of ${what}`, () => pool.delete());
    }
    await pool.undefine();
  }

  async #works(what: string, act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      this.#host.log.warn(`${what}: ${error.message}`);
      return false;
    }
  }

  async *consoleLog(vm: VmCid): AsyncIterable<Uint8Array> {
    const volume = await this.#host.findVolume(this.#parts.consoleVolume(vm));
    if (!volume) throw vmNotFound(vm);
    yield* volume.download();
  }

  async vmDefinition(vm: VmCid): Promise<string> {
    const domain = await this.#host.findVm(vm);
    if (!domain) throw vmNotFound(vm);
    return await domain.xml({ inactive: true });
  }

  async networkDefinition(): Promise<string> {
    const network = await this.#host.libvirt.findNetwork(this.#host.config.network);
    if (!network)
      throw new CloudError('NetworkNotFound', `There is no network '${this.#host.config.network}'`);
    return await network.xml();
  }

  async accelerator(): Promise<string> {
    return await this.#parts.accelerator();
  }
}

const named = (volumes: readonly string[], pattern: RegExp) =>
  volumes.map((name) => pattern.exec(name)?.[1]).filter((cid) => cid !== undefined);

function refuseOtherFolder(name: string, there: string, wanted: string): void {
  if (there === wanted) return;
  throw new CloudError('CloudError', `Storage pool '${name}' lies in ${there}, not in ${wanted}`, {
    hints: [
      'another environment of this name was made with other folders: take it down there, or choose another name',
    ],
  });
}
