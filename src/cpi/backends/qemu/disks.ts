import type { Domain, Volume } from '../../../clients/libvirt/index.ts';
import { escapeXml } from '../../../platform/template.ts';
import type { DiskCid, DiskStore, JsonObject } from '../../backend.ts';
import { warnOfUnknown } from '../../cloud-properties.ts';
import { CloudError, diskNotFound } from '../../errors.ts';
import { isDiskCid } from '../../on-libvirt/cids.ts';
import { describeDisk } from '../../on-libvirt/disk-descriptions.ts';
import { cloudErrorFrom, isNoDomain } from '../../on-libvirt/errors.ts';
import { refuseFullPool } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { deleteVolume, descriptionVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import { diskVolume } from './volume-names.ts';

const bytesPerMb = 1024 * 1024;

/** Persistent disks: qcow2 volumes named after their CID (internal snapshots need qcow2: libvirt-spikes.md 4). */
export class QemuDisks implements DiskStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
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
    return (await findDisk(this.#host, cid)) !== undefined;
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
    await describeDisk(this.#host, cid, { kind: 'disk', metadata });
  }

  async resize(): Promise<never> {
    throw new CloudError('NotImplemented', 'resize_disk');
  }

  async update(): Promise<never> {
    throw new CloudError('NotImplemented', 'update_disk');
  }

  async snapshot(): Promise<never> {
    throw new CloudError('NotImplemented', 'snapshot_disk');
  }

  async deleteSnapshot(): Promise<never> {
    throw new CloudError('NotImplemented', 'delete_snapshot');
  }
}

/** The volume of a persistent disk. */
export async function findDisk(host: LibvirtHost, cid: string): Promise<Volume | undefined> {
  return isDiskCid(cid) ? await host.findVolume(diskVolume(cid)) : undefined;
}

/** The VM, running or not, whose definition names this volume; other people's domains count too. */
export async function vmWithVolume(
  host: LibvirtHost,
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
