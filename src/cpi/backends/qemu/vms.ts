import type { Domain, Volume } from '../../../clients/libvirt/index.ts';
import { allEnded } from '../../../platform/all-ended.ts';
import { Undo } from '../../../platform/undo.ts';
import type {
  DiskCid,
  DiskHint,
  GuestDisks,
  JsonObject,
  StemcellCid,
  VmCid,
  VmSpec,
  VmStore,
} from '../../backend.ts';
import { type CloudError, stemcellNotFound } from '../../errors.ts';
import { isVmCid } from '../../on-libvirt/cids.ts';
import { keepBoshMetadata, startDomain, undefineDomain, unlessWrongState } from '../../on-libvirt/domains.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import { refuseFullPool } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { giveUpAddresses, takeAddresses } from '../../on-libvirt/networks.ts';
import { folderOf, ownVolumesElsewhere, poolFor, volumesElsewhere } from '../../on-libvirt/pools.ts';
import { rebootDomain } from '../../on-libvirt/reboot.ts';
import { dropUnwantedStemcell, stemcellProperties } from '../../on-libvirt/stemcells.ts';
import { stemcellOf } from '../../on-libvirt/vm-records.ts';
import { deleteVolume, descriptionVolume, removeVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import { attachDisk, detachDisk } from './attachments.ts';
import { ownDisks } from './disk-targets.ts';
import { persistentDisks } from './domain-disks.ts';
import { domainXmlFor } from './domain-xml.ts';
import type { QemuOptions } from './options.ts';
import { parseVmProperties, type VmProperties } from './vm-properties.ts';
import { volumesFor } from './vm-volumes.ts';
import { vmVolumes } from './volume-names.ts';

/** Whose agents look for their settings where a VM has them (contract 2.2). */
const servedInfrastructures = ['openstack', 'vsphere'];

/** VMs are persistent libvirt domains named after their CID, with volumes named after it too. */
export class QemuVms implements VmStore {
  readonly #host: LibvirtHost;
  readonly #options: QemuOptions;

  constructor(host: LibvirtHost, options: QemuOptions) {
    this.#host = host;
    this.#options = options;
  }

  async create(spec: VmSpec): Promise<GuestDisks> {
    const properties = await this.#propertiesOf(spec);
    const diskPool = await poolFor(this.#host, properties.storagePool);
    await refuseFullPool(this.#host, diskPool);
    try {
      await using undo = new Undo(this.#host.log);
      undo.defer(`delete ${spec.cid}`, () => this.delete(spec.cid));
      const [pool, xml, volumes] = await Promise.all([
        this.#host.pool(),
        domainXmlFor(this.#host, this.#options, spec, properties, await folderOf(diskPool)),
        volumesFor(this.#host, spec, properties),
      ]);
      // the definition is asked for first: whoever finds the remains of a killed call finds the volumes by its name
      await allEnded([
        this.#define(spec, xml),
        ...volumes.disks.map((volume) => diskPool.createVolume(volumeXml(volume))),
        pool.createVolume(volumeXml(volumes.console)),
      ]);
      undo.keep();
    } catch (error) {
      throw await this.#failureOf(spec, error);
    }
    return ownDisks(properties.diskBus, properties.ephemeralDiskMb > 0);
  }

  /** Where the stemcell was deleted meanwhile, anything may have failed for it. */
  async #failureOf({ cid, stemcell }: VmSpec, error: unknown): Promise<CloudError> {
    const isThere = await hasStemcell(this.#host, stemcell).catch(() => true); // libvirt itself may be what failed
    return isThere
      ? cloudErrorFrom(error, `Creating VM ${cid}`, 'VMCreationFailed')
      : stemcellNotFound(stemcell);
  }

  async #propertiesOf({ stemcell, cloudProperties }: VmSpec): Promise<VmProperties> {
    const imported = await stemcellProperties(this.#host, stemcell);
    if (!imported) throw stemcellNotFound(stemcell);
    const infrastructure = typeof imported.infrastructure === 'string' ? imported.infrastructure : undefined;
    if (infrastructure !== undefined && !servedInfrastructures.includes(infrastructure)) {
      this.#host.log.warn(
        `stemcell ${stemcell} is made for ${infrastructure}: its agent may look for its settings where there are none; the openstack-kvm one finds them`,
      );
    }
    const defaults = { machine: this.#options.machine, infrastructure };
    return parseVmProperties(cloudProperties, defaults, this.#host.log);
  }

  async #define(spec: VmSpec, xml: string): Promise<void> {
    const domain = await this.#host.libvirt.defineDomain(xml);
    await domain.setAutostart(true); // the machine comes back after a reboot of the host (contract 8.1, 13)
    // whoever deletes a stemcell says so first and then looks for VMs on it: one of both sees the other
    if (!(await hasStemcell(this.#host, spec.stemcell))) throw stemcellNotFound(spec.stemcell);
    await takeAddresses(this.#host, spec);
  }

  async has(cid: VmCid): Promise<boolean> {
    return (await this.#host.findVm(cid)) !== undefined;
  }

  async start(cid: VmCid): Promise<void> {
    await startDomain(await this.#host.existingVm(cid), 'VMCreationFailed');
  }

  async reboot(cid: VmCid): Promise<void> {
    const domain = await this.#host.existingVm(cid);
    const start = (each: Domain) => startDomain(each, 'CloudError');
    // a saved machine only goes on when it is started: what it has in memory is written before it starts anew
    if (!(await domain.isActive()) && (await domain.hasManagedSave())) await start(domain);
    const way = {
      ask: pressPowerButton,
      askAgainMs: 10_000,
      lookMs: 200,
      timeoutMs: this.#options.soft_reboot_seconds * 1000,
      start,
    };
    await rebootDomain(domain, way, this.#host.log);
  }

  async delete(cid: VmCid): Promise<void> {
    await this.#host.pool(); // a stopped pool is told before the VM is touched
    const domain = await this.#host.findVm(cid);
    const stemcell = domain && (await stemcellOf(domain));
    const elsewhere = await this.#volumesElsewhere(cid, domain);
    if (domain) await domain.destroy().catch(unlessWrongState);
    else this.#host.log.info(`VM ${cid} is not there: only what is left of it is deleted`);
    if (isVmCid(cid)) await this.#deleteVolumes(cid);
    await allEnded(elsewhere.map(removeVolume));
    // last: as long as anything is left, the VM can be found
    if (domain) await giveUpAddresses(this.#host, domain, () => undefineDomain(domain));
    if (stemcell !== undefined) await dropUnwantedStemcell(this.#host, stemcell);
  }

  /** The VM's disks in another pool than the environment's. Only its definition says which; without one all are searched. */
  async #volumesElsewhere(cid: VmCid, domain: Domain | undefined): Promise<Volume[]> {
    if (!isVmCid(cid)) return [];
    if (domain) return await ownVolumesElsewhere(this.#host, domain, await this.#host.poolPath());
    return await volumesElsewhere(this.#host, [vmVolumes.root(cid), vmVolumes.ephemeral(cid)]);
  }

  async #deleteVolumes(cid: VmCid): Promise<void> {
    const pool = await this.#host.pool();
    await allEnded(Object.values(vmVolumes).map((name) => deleteVolume(pool, name(cid))));
  }

  async attachDisk(vm: VmCid, disk: DiskCid): Promise<DiskHint> {
    return await attachDisk(this.#host, await this.#host.existingVm(vm), disk);
  }

  async detachDisk(vm: VmCid, disk: DiskCid): Promise<void> {
    await detachDisk(this.#host, await this.#host.existingVm(vm), disk);
  }

  async listDisks(cid: VmCid): Promise<DiskCid[]> {
    const { live, config } = await persistentDisks(await this.#host.existingVm(cid));
    return [...new Set([...config, ...(live ?? [])].map((disk) => disk.diskCid as DiskCid))];
  }

  async setMetadata(cid: VmCid, metadata: JsonObject): Promise<void> {
    await keepBoshMetadata(await this.#host.existingVm(cid), metadata, this.#host.config.environment);
  }

  cloudPropertiesFor(needs: { cpus: number; memoryMb: number; ephemeralDiskMb: number }): JsonObject {
    return { cpus: needs.cpus, memory: needs.memoryMb, ephemeral_disk: needs.ephemeralDiskMb };
  }
}

const hasStemcell = async (host: LibvirtHost, cid: StemcellCid): Promise<boolean> =>
  (await host.findVolume(descriptionVolume(cid))) !== undefined;

const pressPowerButton = (domain: Domain): Promise<void> => domain.shutdown({ mode: 'acpi' });
