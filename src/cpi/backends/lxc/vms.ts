import { constants } from 'node:os';
import { type Domain, LibvirtError } from '../../../clients/libvirt/index.ts';
import { allEnded } from '../../../platform/all-ended.ts';
import { waitFor } from '../../../platform/retry.ts';
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
import { CloudError, type CloudErrorType, stemcellNotFound } from '../../errors.ts';
import { isVmCid } from '../../on-libvirt/cids.ts';
import { keepBoshMetadata, undefineDomain, unlessWrongState } from '../../on-libvirt/domains.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import { refuseFullPool } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { giveUpAddresses, takeAddresses } from '../../on-libvirt/networks.ts';
import { rebootDomain } from '../../on-libvirt/reboot.ts';
import { dropUnwantedStemcell } from '../../on-libvirt/stemcells.ts';
import { stemcellOf } from '../../on-libvirt/vm-records.ts';
import { deleteVolume, descriptionVolume, stemcellVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import { attachDisk, closeDisksOf, detachDisk, openDisksOf } from './attachments.ts';
import { removeContainerGroups } from './container-groups.ts';
import { persistentDisks } from './domain-disks.ts';
import { domainXml } from './domain-xml.ts';
import { copyFile, growFilesystem, makeFilesystem } from './filesystems.ts';
import { closeImages, openImages } from './image-devices.ts';
import { initCommandOf, shutdownSignal } from './init-process.ts';
import { openLoopDevice } from './loop-devices.ts';
import { type LxcOptions, parseVmProperties, type VmProperties } from './options.ts';
import { startContainer } from './start-container.ts';
import { vmVolumes } from './volume-names.ts';

const bytesPerMb = 1024 * 1024;
const killTimeoutMs = 1_000;

/** VMs are persistent libvirt domains named after their CID, with volumes named after it too. */
export class LxcVms implements VmStore {
  readonly #host: LibvirtHost;
  readonly #options: LxcOptions;

  constructor(host: LibvirtHost, options: LxcOptions) {
    this.#host = host;
    this.#options = options;
  }

  async create(spec: VmSpec): Promise<GuestDisks> {
    const properties = parseVmProperties(spec.cloudProperties, this.#host.log);
    await refuseFullPool(this.#host);
    try {
      await using undo = new Undo(this.#host.log);
      undo.defer(`delete ${spec.cid}`, () => this.delete(spec.cid));
      const facts = { folder: await this.#host.poolPath(), environment: this.#host.config.environment };
      // the definition is asked for first: whoever finds the remains of a killed call finds the volumes by its name
      await allEnded([
        this.#define(spec, domainXml({ ...facts, spec, properties })),
        this.#makeRoot(spec, properties),
        this.#makeEphemeral(spec, properties),
        this.#makeVolume(vmVolumes.console(spec.cid), 0),
      ]);
      undo.keep();
    } catch (error) {
      // a stemcell that was deleted meanwhile may have failed anything
      await refuseMissingStemcell(this.#host, spec.stemcell);
      throw cloudErrorFrom(error, `Creating VM ${spec.cid}`, 'VMCreationFailed');
    }
    return { system: '', ephemeral: undefined }; // libvirt mounts both before the container's first process
  }

  async #define(spec: VmSpec, xml: string): Promise<void> {
    const domain = await this.#host.libvirt.defineDomain(xml);
    await domain.setAutostart(true); // where its devices are still there: after a reboot of the host `revive` makes them
    // whoever deletes a stemcell says so first and then looks for VMs on it: one of both sees the other
    await refuseMissingStemcell(this.#host, spec.stemcell);
    await takeAddresses(this.#host, spec);
  }

  async #makeRoot(spec: VmSpec, { rootDiskMb }: VmProperties): Promise<void> {
    const stemcell = await this.#host.findVolume(stemcellVolume(spec.stemcell));
    if (!stemcell) throw stemcellNotFound(spec.stemcell);
    const [{ capacityBytes }, from] = await Promise.all([stemcell.info(), stemcell.path()]);
    const wanted = Math.max(capacityBytes, rootDiskMb * bytesPerMb);
    const volume = await this.#makeVolume(vmVolumes.root(spec.cid), capacityBytes);
    const path = await volume.path();
    await copyFile(from, path);
    if (wanted > capacityBytes) {
      await volume.resize(wanted);
      await growFilesystem(path);
    }
    await openLoopDevice({ name: volume.name, path });
  }

  async #makeEphemeral(spec: VmSpec, { ephemeralDiskMb }: VmProperties): Promise<void> {
    if (ephemeralDiskMb === 0) return;
    const volume = await this.#makeVolume(vmVolumes.ephemeral(spec.cid), ephemeralDiskMb * bytesPerMb);
    const path = await volume.path();
    await makeFilesystem(path);
    await openLoopDevice({ name: volume.name, path });
  }

  async #makeVolume(name: string, capacityBytes: number) {
    const pool = await this.#host.pool();
    return await pool.createVolume(volumeXml({ name, capacityBytes, format: 'raw', mode: '0600' }));
  }

  async has(cid: VmCid): Promise<boolean> {
    return (await this.#host.findVm(cid)) !== undefined;
  }

  async start(cid: VmCid): Promise<void> {
    await this.#start(await this.#host.existingVm(cid), 'VMCreationFailed');
  }

  async #start(domain: Domain, failure: CloudErrorType): Promise<void> {
    await openImages(this.#host, domain.name);
    await openDisksOf(this.#host, domain);
    await startContainer(domain, failure);
  }

  async reboot(cid: VmCid): Promise<void> {
    const way = {
      ask: signalShutdown,
      askAgainMs: 5_000,
      lookMs: 50,
      timeoutMs: this.#options.soft_reboot_seconds * 1000,
      start: (domain: Domain) => this.#start(domain, 'CloudError'),
    };
    await rebootDomain(await this.#host.existingVm(cid), way, this.#host.log);
  }

  async delete(cid: VmCid): Promise<void> {
    await this.#host.pool(); // a stopped pool is told before the VM is touched
    const domain = await this.#host.findVm(cid);
    const stemcell = domain && (await stemcellOf(domain));
    if (domain) {
      await powerOff(domain);
      await this.letGo(domain);
    } else this.#host.log.info(`VM ${cid} is not there: only what is left of it is deleted`);
    if (isVmCid(cid)) {
      await this.#closeImages(cid); // also of one whose definition somebody removed
      await this.#deleteVolumes(cid);
    }
    // last: as long as anything is left, the VM can be found
    if (domain) await giveUpAddresses(this.#host, domain, () => undefineDomain(domain));
    if (stemcell !== undefined) await dropUnwantedStemcell(this.#host, stemcell);
  }

  /** Frees what a stopped container still holds: devices, control groups. Idempotent. */
  async letGo(domain: Domain): Promise<void> {
    await closeDisksOf(this.#host, domain);
    await this.#closeImages(domain.name);
    await removeContainerGroups(domain.name);
  }

  async #closeImages(vm: string): Promise<void> {
    if (await closeImages(this.#host, vm)) return;
    throw new CloudError('CloudError', `VM '${vm}' is stopped, and something still uses its disks`, {
      hints: [`losetup -a tells their devices, and grep DEVICE /proc/*/mountinfo what has one mounted`],
    });
  }

  /** With the copies that snapshots of the whole VM have made. */
  async #deleteVolumes(cid: VmCid): Promise<void> {
    const pool = await this.#host.pool();
    const own = (await pool.listVolumes()).filter(({ name }) => name.startsWith(`${cid}-`));
    await allEnded(own.map(({ name }) => deleteVolume(pool, name)));
  }

  async attachDisk(vm: VmCid, disk: DiskCid): Promise<DiskHint> {
    return await attachDisk(this.#host, await this.#host.existingVm(vm), disk);
  }

  async detachDisk(vm: VmCid, disk: DiskCid): Promise<void> {
    await detachDisk(this.#host, await this.#host.existingVm(vm), disk);
  }

  async listDisks(cid: VmCid): Promise<DiskCid[]> {
    const { live, config } = await persistentDisks(await this.#host.existingVm(cid));
    return [...new Set([...config, ...(live ?? [])].map((disk) => disk.cid))];
  }

  async setMetadata(cid: VmCid, metadata: JsonObject): Promise<void> {
    await keepBoshMetadata(await this.#host.existingVm(cid), metadata, this.#host.config.environment);
  }

  cloudPropertiesFor(needs: { cpus: number; memoryMb: number; ephemeralDiskMb: number }): JsonObject {
    return { cpus: needs.cpus, memory: Math.max(64, needs.memoryMb), ephemeral_disk: needs.ephemeralDiskMb };
  }
}

async function refuseMissingStemcell(host: LibvirtHost, cid: StemcellCid): Promise<void> {
  if (!(await host.findVolume(descriptionVolume(cid)))) throw stemcellNotFound(cid);
}

/** At once: libvirt asks first, and then waits for 1.8 s. The kernel keeps what was written. */
async function powerOff(domain: Domain): Promise<void> {
  const killed = async () => {
    await domain.sendSignal(constants.signals.SIGKILL).catch(unlessLibvirt); // one that begins or ends has no process
    return (await domain.isActive()) ? undefined : true;
  };
  await waitFor(killed, { timeoutMs: killTimeoutMs, intervalMs: 20 }).catch(unlessLibvirt);
  await domain.destroy().catch(unlessWrongState); // also one that is frozen, or of which no process can be seen
}

function unlessLibvirt(error: unknown): void {
  if (!(error instanceof LibvirtError)) throw error;
}

/** An init that does not mind the signal of its kind, a script by the same name say, gets the common one in between. */
async function signalShutdown(domain: Domain, times: number): Promise<void> {
  const { SIGTERM } = constants.signals;
  await domain.sendSignal(times % 2 === 0 ? shutdownSignal(await initCommandOf(domain.name)) : SIGTERM);
}
