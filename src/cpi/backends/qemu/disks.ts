import type { Domain } from '../../../clients/libvirt/index.ts';
import { escapeXml } from '../../../platform/template.ts';
import type { DiskCid, DiskStore, JsonObject } from '../../backend.ts';
import { CloudError, diskNotFound } from '../../errors.ts';
import { isDiskCid } from './cids.ts';
import { cloudErrorFrom, isNoDomain } from './errors.ts';
import { freeBytes } from './free-bytes.ts';
import type { QemuHost } from './host.ts';
import { warnOfUnknown } from './options.ts';
import { deleteVolume, descriptionVolume, diskVolume, volumeXml, writeVolume } from './volumes.ts';

const bytesPerMb = 1024 * 1024;
/** Sparse volumes are made in any pool; with less than this free the first writes of a guest would stop it. */
const leastFreeBytes = 64 * bytesPerMb;

/** Persistent disks: qcow2 volumes named after their CID (internal snapshots need qcow2: libvirt-spikes.md 4). */
export class QemuDisks implements DiskStore {
  readonly #host: QemuHost;

  constructor(host: QemuHost) {
    this.#host = host;
  }

  async create(cid: DiskCid, sizeMb: number, properties: JsonObject): Promise<void> {
    warnOfUnknown('disk', properties, new Set(), this.#host.log);
    const pool = await this.#host.pool();
    await refuseFullPool(this.#host);
    try {
      await pool.createVolume(
        volumeXml({
          name: diskVolume(cid),
          capacityBytes: sizeMb * bytesPerMb,
          format: 'qcow2',
          mode: '0600',
        }),
      );
    } catch (error) {
      throw cloudErrorFrom(error, `Creating disk ${cid} of ${sizeMb} MiB in pool ${pool.name}`);
    }
  }

  async has(cid: DiskCid): Promise<boolean> {
    return (await this.#host.findDisk(cid)) !== undefined;
  }

  async delete(cid: DiskCid): Promise<void> {
    const pool = await this.#host.pool();
    if (await this.has(cid)) {
      const user = await vmWithVolume(this.#host, `${await this.#host.poolPath()}/${diskVolume(cid)}`);
      // libvirt would delete a volume that a running VM writes to (host.md 1b)
      if (user)
        throw new CloudError('CloudError', `Disk '${cid}' is attached to VM '${user}'; detach it first`);
      await deleteVolume(pool, diskVolume(cid));
    } else this.#host.log.info(`disk ${cid} is not there: nothing to delete`);
    if (isDiskCid(cid)) await deleteVolume(pool, descriptionVolume(cid));
  }

  async setMetadata(cid: DiskCid, metadata: JsonObject): Promise<void> {
    if (!(await this.has(cid))) throw diskNotFound(cid);
    const description = JSON.stringify({
      version: 1,
      kind: 'disk',
      environment: this.#host.config.environment,
      metadata,
    });
    await writeVolume(await this.#host.pool(), descriptionVolume(cid), Buffer.from(description));
  }
}

/** The VM, running or not, whose definition names this volume; other people's domains count too. */
export async function vmWithVolume(
  host: QemuHost,
  path: string,
  exceptVm?: string,
): Promise<string | undefined> {
  const wanted = `file='${escapeXml(path)}'`;
  const domains = (await host.libvirt.listDomains()).filter((domain) => domain.name !== exceptVm);
  const owners = await Promise.all(
    domains.map(async (domain) => {
      const xmls = await definitionsOf(domain);
      return xmls.some((xml) => xml.includes(wanted)) ? domain.name : undefined;
    }),
  );
  return owners.find((owner) => owner !== undefined);
}

/** Of the running machine and of its next start; none if the domain went away meanwhile. */
async function definitionsOf(domain: Domain): Promise<string[]> {
  try {
    return await Promise.all([domain.xml(), domain.xml({ inactive: true })]);
  } catch (error) {
    if (isNoDomain(error)) return [];
    throw error;
  }
}

/** Throws NoDiskSpace if the pool is full: libvirt makes sparse volumes there without a word (libvirt-spikes.md 7). */
export async function refuseFullPool(host: QemuHost): Promise<void> {
  const pool = await host.pool();
  const availableBytes = await freeBytes(pool, leastFreeBytes);
  if (availableBytes >= leastFreeBytes) return;
  const free = Math.floor(availableBytes / bytesPerMb);
  throw new CloudError('NoDiskSpace', `Storage pool '${pool.name}' has ${free} MiB free`, {
    hints: ['free space in the storage pool, or use a larger one'],
  });
}
