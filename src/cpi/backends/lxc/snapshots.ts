import { rename, rm, truncate } from 'node:fs/promises';
import type { Domain } from '../../../clients/libvirt/index.ts';
import { shortHash } from '../../../platform/ids.ts';
import { Undo } from '../../../platform/undo.ts';
import type { SnapshotFacts, SnapshotStore, VmCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { unlessWrongState } from '../../on-libvirt/domains.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import { freeBytes } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { lockInPool } from '../../on-libvirt/locks.ts';
import { deleteVolume, readVolume, volumeXml, writeVolume } from '../../on-libvirt/volumes.ts';
import { persistentDisks } from './domain-disks.ts';
import { type Copy, copyFile, copyFrozen, growFilesystem } from './filesystems.ts';
import type { LxcVms } from './vms.ts';
import { diskVolume, vmVolumes } from './volume-names.ts';

const bytesPerMb = 1024 * 1024;

/** What is kept of a snapshot in a small volume beside its copies. */
interface Description {
  /** The format's version. */
  readonly version: 1;
  readonly name: string;
  readonly createdAt: string;
  /** Whether the container ran. */
  readonly running: boolean;
  /** Names of volumes: a disk and the copy of it. */
  readonly copies: readonly { readonly of: string; readonly copy: string }[];
}

/**
 * Snapshots of all disks of a VM as they are at one moment. A container's memory cannot be kept: what is restored starts anew.
 * The description is written last, so that half of a snapshot is none.
 */
export class LxcSnapshots implements SnapshotStore {
  readonly #host: LibvirtHost;
  readonly #vms: LxcVms;

  constructor(host: LibvirtHost, vms: LxcVms) {
    this.#host = host;
    this.#vms = vms;
  }

  async create(vm: VmCid, name: string): Promise<SnapshotFacts> {
    await using _lock = await lockInPool(this.#host, vm, 'snapshot');
    const domain = await this.#host.existingVm(vm);
    if (await this.#find(vm, name)) {
      throw new CloudError('CloudError', `VM ${vm} has a snapshot '${name}' already`, {
        hints: ['choose another name, or delete that one'],
      });
    }
    try {
      await using undo = new Undo(this.#host.log);
      const disks = await this.#disksOf(domain);
      const copies = disks.map((of, at) => ({ of, copy: `${stateOf(vm, name)}-${at}.img` }));
      const pool = await this.#host.pool();
      undo.defer(`delete snapshot ${name}`, async () => {
        for (const { copy } of copies) await deleteVolume(pool, copy);
      });
      await this.#copyAll(copies);
      const running = await domain.isActive();
      const description = { version: 1, name, createdAt: new Date().toISOString(), running, copies } as const;
      await writeVolume(pool, `${stateOf(vm, name)}.json`, Buffer.from(JSON.stringify(description)));
      undo.keep();
      return factsOf(description);
    } catch (error) {
      throw cloudErrorFrom(error, `Taking snapshot '${name}' of VM ${vm}`);
    }
  }

  async #disksOf(domain: Domain): Promise<string[]> {
    const { config, live } = await persistentDisks(domain);
    const cids = new Set([...config, ...(live ?? [])].map(({ cid }) => cid));
    const names = [
      vmVolumes.root(domain.name),
      vmVolumes.ephemeral(domain.name),
      ...[...cids].map(diskVolume),
    ];
    const volumes = await Promise.all(names.map((name) => this.#host.findVolume(name)));
    return names.filter((_, at) => volumes[at] !== undefined);
  }

  async #copyAll(copies: Description['copies']): Promise<void> {
    const pool = await this.#host.pool();
    const infos = await Promise.all(
      copies.map(async ({ of }) => await (await this.#host.findVolume(of))?.info()),
    );
    const needed = infos.reduce((sum, info) => sum + (info?.allocationBytes ?? 0), 0);
    const available = await freeBytes(pool, needed);
    if (needed > available) {
      const [wanted, free] = [needed, available].map((bytes) => Math.ceil(bytes / bytesPerMb));
      throw new CloudError(
        'NoDiskSpace',
        `The copies take ${wanted} MiB, storage pool ${pool.name} has ${free} free`,
      );
    }
    for (const [at, { copy }] of copies.entries()) {
      const capacityBytes = infos[at]?.capacityBytes ?? 0;
      await pool.createVolume(volumeXml({ name: copy, capacityBytes, format: 'raw', mode: '0600' }));
    }
    const folder = await this.#host.poolPath();
    await copyFrozen(copies.map(({ of, copy }) => ({ from: `${folder}/${of}`, to: `${folder}/${copy}` })));
  }

  async list(vm: VmCid): Promise<SnapshotFacts[]> {
    await this.#host.existingVm(vm);
    const facts = (await this.#descriptions(vm)).map(factsOf);
    return facts.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  }

  /** All copies are made ready before the container is stopped; then they take the disks' places. */
  async restore(vm: VmCid, name: string): Promise<void> {
    await using _lock = await lockInPool(this.#host, vm, 'snapshot');
    const domain = await this.#host.existingVm(vm);
    const { copies, running } = await this.#named(vm, name);
    await this.#refuseUnlessComplete(domain, name, copies);
    const folder = await this.#host.poolPath();
    const places = copies.map(({ of, copy }) => ({ from: `${folder}/${copy}`, to: `${folder}/${of}` }));
    try {
      await using undo = new Undo(this.#host.log);
      undo.defer('remove the copies', async () => {
        for (const { to } of places) await rm(readyPath(to), { force: true });
      });
      for (const place of places) await this.#makeReady(place);
      await domain.destroy().catch(unlessWrongState);
      await this.#vms.letGo(domain);
      for (const { to } of places) await rename(readyPath(to), to);
      if (running) await this.#vms.start(vm);
    } catch (error) {
      throw cloudErrorFrom(error, `Restoring snapshot '${name}' of VM ${vm}`);
    }
  }

  /** A disk that has grown since stays as large as BOSH believes it to be. */
  async #makeReady({ from, to }: Copy): Promise<void> {
    const ready = readyPath(to);
    await copyFile(from, ready);
    const [then, now] = await Promise.all([from, to].map((path) => this.#capacityOf(path)));
    if (then === now) return;
    await truncate(ready, now);
    await growFilesystem(ready);
  }

  async #capacityOf(path: string): Promise<number> {
    return (await (await this.#host.libvirt.findVolumeByPath(path))?.info())?.capacityBytes ?? 0;
  }

  async #refuseUnlessComplete(domain: Domain, name: string, copies: Description['copies']): Promise<void> {
    const [now, volumes] = [await this.#disksOf(domain), await (await this.#host.pool()).listVolumes()];
    const gone = copies.filter(({ copy }) => !volumes.some((volume) => volume.name === copy));
    if (gone.length > 0)
      throw new CloudError(
        'DiskNotFound',
        `Snapshot '${name}' is incomplete: ${gone.map(({ copy }) => copy).join(', ')}`,
      );
    const added = now.filter((disk) => !copies.some(({ of }) => of === disk));
    const lost = copies.filter(({ of }) => !now.includes(of));
    if (added.length === 0 && lost.length === 0) return;
    throw new CloudError('CloudError', `The disks of VM ${domain.name} are not those of snapshot '${name}'`, {
      hints: [
        ...added.map((disk) => `detach ${disk}`),
        ...lost.map(({ of }) => `attach ${of}`),
        'then restore again',
      ],
    });
  }

  async delete(vm: VmCid, name: string): Promise<void> {
    const pool = await this.#host.pool();
    await deleteVolume(pool, `${stateOf(vm, name)}.json`); // first: half of a snapshot is none
    const copies = (await pool.listVolumes()).filter((volume) =>
      volume.name.startsWith(`${stateOf(vm, name)}-`),
    );
    for (const copy of copies) await deleteVolume(pool, copy.name);
  }

  async #named(vm: VmCid, name: string): Promise<Description> {
    const found = await this.#find(vm, name);
    if (found) return found;
    const names = (await this.#descriptions(vm)).map((other) => other.name);
    throw new CloudError('CloudError', `VM ${vm} has no snapshot '${name}'`, {
      hints: [names.length > 0 ? `there are: ${names.join(', ')}` : 'it has none'],
    });
  }

  async #find(vm: VmCid, name: string): Promise<Description | undefined> {
    return await this.#describedIn(`${stateOf(vm, name)}.json`);
  }

  async #descriptions(vm: VmCid): Promise<Description[]> {
    const volumes = (await (await this.#host.pool()).listVolumes()).map((volume) => volume.name);
    const own = volumes.filter((volume) => volume.startsWith(`${vm}-state-`) && volume.endsWith('.json'));
    const read = await Promise.all(own.map((volume) => this.#describedIn(volume)));
    return read.filter((description) => description !== undefined);
  }

  async #describedIn(volume: string): Promise<Description | undefined> {
    const text = await readVolume(await this.#host.pool(), volume);
    return text && (JSON.parse(text.toString('utf8')) as Description);
  }
}

/** What the names of a snapshot's volumes begin with: people's names may hold anything. */
const stateOf = (vm: VmCid, name: string): string => `${vm}-state-${shortHash(name, 12)}`;
const readyPath = (path: string): string => `${path}.ready`;

const factsOf = ({ name, createdAt }: Description): SnapshotFacts => ({
  name,
  createdAt: new Date(createdAt),
  withMemory: false,
});
