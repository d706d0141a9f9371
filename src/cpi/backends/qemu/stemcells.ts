import { shortHash } from '../../../platform/ids.ts';
import { lockFolder, takeLock } from '../../../platform/lock.ts';
import { Undo } from '../../../platform/undo.ts';
import type { JsonObject, StemcellCid, StemcellStore } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { StemcellImage } from '../../stemcell/index.ts';
import { cloudErrorFrom } from './errors.ts';
import type { QemuHost } from './host.ts';
import { vmRecords } from './vm-records.ts';
import { descriptionVolume, readVolume, stemcellVolume, volumeXml, writeVolume } from './volumes.ts';

const importTimeoutMs = 15 * 60_000;

/**
 * Stemcells are read-only volumes that VMs' overlays stand on. A description volume beside the image is written last: an
 * image without one is what a killed import left, and is made anew.
 */
export class QemuStemcells implements StemcellStore {
  readonly #host: QemuHost;

  constructor(host: QemuHost) {
    this.#host = host;
  }

  async import(image: StemcellImage, sha256: string, properties: JsonObject): Promise<StemcellCid> {
    const cid = `sc-${sha256.slice(0, 17)}` as StemcellCid;
    const format = image.format;
    if (format === 'vmdk') {
      throw new CloudError(
        'CloudError',
        'The stemcell holds a VMDK image; qemu takes openstack-qcow2 or openstack-raw stemcells',
        {
          hints: ['use the openstack-kvm stemcell of the same version'],
        },
      );
    }
    await using _lock = await takeLock(this.#lockPath(cid), importTimeoutMs, `create_stemcell ${cid}`);
    if (await this.has(cid)) {
      this.#host.log.info(`stemcell ${cid} is there already`);
      return cid;
    }
    await this.#refuseIfTooLarge(image);
    try {
      await this.#upload(cid, { ...image, format, open: () => image.open() }, properties, sha256);
    } catch (error) {
      throw cloudErrorFrom(error, `Importing stemcell ${cid} into pool ${this.#host.config.storagePool}`);
    }
    return cid;
  }

  async #upload(
    cid: StemcellCid,
    image: StemcellImage & { format: 'qcow2' | 'raw' },
    properties: JsonObject,
    sha256: string,
  ) {
    const pool = await this.#host.pool();
    const name = stemcellVolume(cid);
    await (await pool.findVolume(name))?.delete();
    await using undo = new Undo(this.#host.log);
    undo.defer(`delete volume ${name}`, async () => (await pool.findVolume(name))?.delete());
    const { format, virtualSizeBytes: capacityBytes } = image;
    const volume = await pool.createVolume(volumeXml({ name, capacityBytes, format, mode: '0444' }));
    // not for qcow2: a fresh one holds a header already, and a hole writes nothing over it
    await volume.upload(image.open(), { sparse: format === 'raw' });
    const description = JSON.stringify({ version: 1, kind: 'stemcell', sha256, format, properties });
    await writeVolume(pool, descriptionVolume(cid), Buffer.from(description));
    undo.keep();
  }

  /** Said before anything is made. The stream's length is unknown for some images: libvirt then says it in the middle. */
  async #refuseIfTooLarge(image: StemcellImage): Promise<void> {
    const { availableBytes } = await (await this.#host.pool()).info();
    const needed = image.sizeBytes ?? 0;
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

  /** What the stemcell was made from, as create_stemcell was told. */
  async describe(cid: StemcellCid): Promise<JsonObject | undefined> {
    const text = await readVolume(await this.#host.pool(), descriptionVolume(cid));
    return text && (JSON.parse(text.toString('utf8')) as JsonObject);
  }

  async delete(cid: StemcellCid): Promise<void> {
    await using _lock = await takeLock(this.#lockPath(cid), importTimeoutMs, `delete_stemcell ${cid}`);
    const users = (await vmRecords(this.#host.libvirt)).filter((vm) => vm.stemcell === cid);
    if (users.length > 0) {
      const names = users.map((vm) => vm.cid).join(', ');
      this.#host.log.warn(
        `stemcell ${cid} is kept: ${names} stands on it; it goes with the next delete_stemcell`,
      );
      return;
    }
    // the description first: an image without one counts as not there
    for (const name of [descriptionVolume(cid), stemcellVolume(cid)])
      await (await this.#host.findVolume(name))?.delete();
  }

  #lockPath(cid: string): string {
    const { uri, storagePool } = this.#host.config;
    return `${lockFolder()}/${cid}-${shortHash(`${uri} ${storagePool}`, 8)}.lock`;
  }
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1_000_000);
