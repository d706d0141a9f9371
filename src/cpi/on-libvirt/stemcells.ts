import type { JsonObject, StemcellCid, StemcellFacts, StemcellStore } from '../backend.ts';
import { CloudError } from '../errors.ts';
import type { StemcellImage } from '../stemcell/index.ts';
import { isStemcellCid } from './cids.ts';
import { cloudErrorFrom } from './errors.ts';
import { freeBytes } from './free-bytes.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { lockInPool } from './locks.ts';
import { vmRecords } from './vm-records.ts';
import {
  claimVolume,
  deleteVolume,
  descriptionVolume,
  isClaimOn,
  readVolume,
  stemcellVolume,
  volumeXml,
  writeVolume,
} from './volumes.ts';

/** What a backend does with an image: all else about stemcells is the same wherever they lie in a pool. */
export interface StemcellMedium<Image extends StemcellImage = StemcellImage> {
  /** Throws a CloudError for an image of another backend's, one that says which stemcell to use. */
  accept(image: StemcellImage): Image;
  /** Makes the volume `stemcellVolume(cid)` out of it, read-only; leaves none if it fails. */
  make(cid: StemcellCid, image: Image): Promise<void>;
}

/**
 * Stemcells are read-only volumes that VMs stand on. A description volume beside the image is written after it: without one
 * there is no stemcell, and the image is what a killed import left or what a VM still stands on. Who has imported a
 * stemcell has a claim on it, an empty volume: several directors may share a pool, and the same content is one stemcell.
 */
export class LibvirtStemcells<Image extends StemcellImage> implements StemcellStore {
  readonly #host: LibvirtHost;
  readonly #medium: StemcellMedium<Image>;

  constructor(host: LibvirtHost, medium: StemcellMedium<Image>) {
    this.#host = host;
    this.#medium = medium;
  }

  async import(image: StemcellImage, facts: StemcellFacts): Promise<StemcellCid> {
    const { owner, ...kept } = facts;
    const cid = `sc-${facts.sha256.slice(0, 17)}` as StemcellCid;
    const own = this.#medium.accept(image);
    await using _lock = await lockInPool(this.#host, cid, 'create_stemcell');
    try {
      const description = { version: 1, kind: 'stemcell', format: own.format, ...kept };
      const isWhole = await this.has(cid);
      if (isWhole && (await stemcellProperties(this.#host, cid)))
        this.#host.log.info(`stemcell ${cid} is there already`);
      else {
        if (!isWhole && !(await this.#isStoodOn(cid))) await this.#make(cid, own);
        await this.#describe(cid, description);
      }
      await this.#claim(cid, owner);
    } catch (error) {
      throw cloudErrorFrom(error, `Importing stemcell ${cid} into pool ${this.#host.config.storagePool}`);
    }
    return cid;
  }

  /** An image that VMs stand on is whole, and must not be made anew under them. */
  async #isStoodOn(cid: StemcellCid): Promise<boolean> {
    const image = await this.#host.findVolume(stemcellVolume(cid));
    return image !== undefined && (await usersOf(this.#host, cid)).length > 0;
  }

  async #claim(cid: StemcellCid, owner: string): Promise<void> {
    const name = claimVolume(cid, owner);
    if (await this.#host.findVolume(name)) return;
    await (await this.#host.pool()).createVolume(volumeXml({ name, capacityBytes: 0, format: 'raw' }));
  }

  async #describe(cid: StemcellCid, description: JsonObject): Promise<void> {
    const text = Buffer.from(JSON.stringify(description));
    await writeVolume(await this.#host.pool(), descriptionVolume(cid), text);
  }

  async #make(cid: StemcellCid, image: Image): Promise<void> {
    await this.#refuseIfTooLarge(image);
    await deleteVolume(await this.#host.pool(), stemcellVolume(cid));
    await this.#medium.make(cid, image);
  }

  /** Said before anything is made. The stream's length is unknown for some images: libvirt then says it in the middle. */
  async #refuseIfTooLarge(image: StemcellImage): Promise<void> {
    const needed = image.sizeBytes ?? 0;
    const availableBytes = await freeBytes(await this.#host.pool(), needed);
    if (needed <= availableBytes) return;
    throw new CloudError(
      'NoDiskSpace',
      `The stemcell needs ${megabytes(needed)} MB, storage pool ${this.#host.config.storagePool} has ${megabytes(availableBytes)} MB free`,
    );
  }

  async has(cid: StemcellCid): Promise<boolean> {
    const [image, description] = await Promise.all([
      this.#host.findVolume(stemcellVolume(cid)),
      this.#host.findVolume(descriptionVolume(cid)),
    ]);
    return image !== undefined && description !== undefined;
  }

  async delete(cid: StemcellCid, owner: string): Promise<void> {
    if (!isStemcellCid(cid)) return this.#host.log.info(`stemcell ${cid} is not there: nothing to delete`);
    await using _lock = await lockInPool(this.#host, cid, 'delete_stemcell');
    const pool = await this.#host.pool();
    await deleteVolume(pool, claimVolume(cid, owner));
    const volumes = await pool.listVolumes();
    if (volumes.some(({ name }) => isClaimOn(cid, name))) {
      this.#host.log.info(`stemcell ${cid} stays for another director that has imported it too`);
      return;
    }
    await deleteVolume(pool, descriptionVolume(cid));
    await deleteUnusedImage(this.#host, cid);
  }
}

/** The cloud properties that a stemcell was imported with; undefined if there is no such stemcell, or a killed import cut them off. */
export async function stemcellProperties(host: LibvirtHost, cid: string): Promise<JsonObject | undefined> {
  if (!isStemcellCid(cid)) return undefined;
  const text = (await readVolume(await host.pool(), descriptionVolume(cid)))?.toString('utf8') ?? '';
  if (!text.endsWith('}')) return undefined;
  return (JSON.parse(text) as { properties?: JsonObject }).properties ?? {};
}

/** Deletes the image of a stemcell that was deleted while VMs stood on it, once the last of them is gone. */
export async function dropUnwantedStemcell(host: LibvirtHost, cid: string): Promise<void> {
  if (!isStemcellCid(cid) || (await host.findVolume(descriptionVolume(cid)))) return;
  await using _lock = await lockInPool(host, cid, 'delete_vm');
  if (await host.findVolume(descriptionVolume(cid))) return; // imported again meanwhile
  await deleteUnusedImage(host, cid);
}

async function deleteUnusedImage(host: LibvirtHost, cid: string): Promise<void> {
  const users = await usersOf(host, cid);
  if (users.length === 0) await deleteVolume(await host.pool(), stemcellVolume(cid));
  else host.log.info(`the image of stemcell ${cid} goes with the last of the VMs on it: ${users.join(', ')}`);
}

/** The VMs that stand on a stemcell. */
async function usersOf(host: LibvirtHost, cid: string): Promise<string[]> {
  return (await vmRecords(host.libvirt)).filter((vm) => vm.stemcell === cid).map((vm) => vm.cid);
}

/** Does `act` to what is left of a stemcell; throws LOCKED if somebody is at it. */
export async function whileNobodyImports(
  host: LibvirtHost,
  cid: string,
  act: () => Promise<void>,
): Promise<void> {
  await using _lock = await lockInPool(host, cid, 'prune', 0);
  await act();
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1_000_000);
