import {
  type Domain,
  type Libvirt,
  LibvirtError,
  parseXml,
  type Snapshot,
} from '../../../clients/libvirt/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import { pause, waitFor } from '../../../platform/retry.ts';
import { fillTemplate } from '../../../platform/template.ts';
import type { SnapshotFacts, SnapshotStore, VmCid } from '../../backend.ts';
import { CloudError, vmNotFound } from '../../errors.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { disksIn } from './domain-disks.ts';
import { refuseUefiSnapshot } from './firmware.ts';

const bringBackTimeoutMs = 20_000;
const settleMs = 500;

/**
 * Internal snapshots: the states of all disks and the memory lie inside the qcow2 volumes (libvirt-spikes.md 4). libvirt's
 * revert is not atomic: one that fails in the middle leaves the VM off, with the snapshot's definition. So all that it
 * needs is looked at before.
 */
export class QemuSnapshots implements SnapshotStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  async create(vm: VmCid, name: string): Promise<SnapshotFacts> {
    const domain = await this.#existing(vm);
    if (await domain.findSnapshot(name)) {
      throw new CloudError('CloudError', `VM ${vm} has a snapshot '${name}' already`, {
        hints: ['choose another name, or delete that one'],
      });
    }
    refuseUefiSnapshot(await domain.xml({ inactive: true }), vm);
    if (await domain.hasManagedSave()) {
      throw new CloudError('CloudError', `VM ${vm} sleeps: a snapshot of it would lack its memory`, {
        hints: ['resume it first'],
      });
    }
    try {
      const description = `boshvirt, environment ${this.#host.config.environment}`;
      return await factsOf(
        await domain.createSnapshot(fillTemplate('qemu/snapshot.xml', { name, description })),
      );
    } catch (error) {
      throw cloudErrorFrom(error, `Taking snapshot '${name}' of VM ${vm}`);
    }
  }

  async list(vm: VmCid): Promise<SnapshotFacts[]> {
    const snapshots = await (await this.#existing(vm)).listSnapshots();
    const facts = await Promise.all(snapshots.map(factsOf));
    return facts.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  }

  async restore(vm: VmCid, name: string): Promise<void> {
    const domain = await this.#existing(vm);
    const snapshot = await this.#named(domain, name);
    await this.#refuseUnlessComplete(domain, snapshot);
    const before = { xml: await domain.xml({ inactive: true }), active: await domain.isActive() };
    try {
      await forgetMemory(domain);
      await snapshot.revert({});
    } catch (error) {
      await this.#bringBack(before);
      throw cloudErrorFrom(error, `Restoring snapshot '${name}' of VM ${vm}`);
    }
  }

  /** A revert that failed has ended the machine and left it with the snapshot's definition. Its memory is lost. */
  async #bringBack({ xml, active }: { xml: string; active: boolean }): Promise<void> {
    try {
      const domain = await this.#host.libvirt.defineDomain(xml);
      if (!active) return;
      const runs = async () => (await this.#keptRunning(domain)) || undefined;
      if (!(await waitFor(runs, { timeoutMs: bringBackTimeoutMs })))
        this.#host.log.warn(`VM ${domain.name} is off after a failed restore`);
    } catch (error) {
      this.#host.log.warn(`bringing the VM back after a failed restore: ${messageOf(error)}`);
    }
  }

  /** Looks twice: on a busy machine libvirt still clears away what failed, and may take what was started meanwhile for it. */
  async #keptRunning(domain: Domain): Promise<boolean> {
    try {
      if (!(await domain.isActive())) await domain.start();
    } catch (error) {
      this.#host.log.warn(`starting VM ${domain.name} after a failed restore: ${messageOf(error)}`);
    }
    await pause(settleMs);
    return await domain.isActive();
  }

  async delete(vm: VmCid, name: string): Promise<void> {
    const domain = await this.#host.findVm(vm);
    const snapshot = await domain?.findSnapshot(name);
    if (!snapshot) return;
    try {
      await snapshot.delete();
    } catch (error) {
      throw cloudErrorFrom(error, `Deleting snapshot '${name}' of VM ${vm}`);
    }
  }

  async #refuseUnlessComplete(domain: Domain, snapshot: Snapshot): Promise<void> {
    const then = disksIn(domainInSnapshot(await snapshot.xml()));
    const now = new Set(disksIn(await domain.xml({ inactive: true })).map((disk) => disk.path));
    await this.#host.pool(); // in a stopped one nothing would be found
    const gone: string[] = [];
    for (const { path } of then) if (!(await isThere(this.#host.libvirt, path))) gone.push(path);
    if (gone.length > 0) {
      throw new CloudError(
        'DiskNotFound',
        `Snapshot '${snapshot.name}' needs disks that are gone: ${gone.join(', ')}`,
      );
    }
    const added = [...now].filter((path) => !then.some((disk) => disk.path === path));
    const lost = then.filter((disk) => !now.has(disk.path));
    if (added.length === 0 && lost.length === 0) return;
    // a revert would drop or bring back disks without BOSH knowing it, and never roll back their content
    throw new CloudError(
      'CloudError',
      `The disks of VM ${domain.name} are not those of snapshot '${snapshot.name}'`,
      {
        hints: [
          ...added.map((path) => `detach ${path}`),
          ...lost.map((disk) => `attach ${disk.path}`),
          'then restore again',
        ],
      },
    );
  }

  async #named(domain: Domain, name: string): Promise<Snapshot> {
    const snapshot = await domain.findSnapshot(name);
    if (snapshot) return snapshot;
    const names = (await domain.listSnapshots()).map((other) => other.name);
    throw new CloudError('CloudError', `VM ${domain.name} has no snapshot '${name}'`, {
      hints: [names.length > 0 ? `there are: ${names.join(', ')}` : 'it has none'],
    });
  }

  async #existing(vm: VmCid): Promise<Domain> {
    const domain = await this.#host.findVm(vm);
    if (!domain) throw vmNotFound(vm);
    return domain;
  }
}

/** libvirt lists a volume until its pool is refreshed; asked for its size it looks at the file. */
async function isThere(libvirt: Libvirt, path: string): Promise<boolean> {
  const volume = await libvirt.findVolumeByPath(path);
  if (!volume) return false;
  try {
    await volume.info();
    return true;
  } catch (error) {
    if (error instanceof LibvirtError) return false;
    throw error;
  }
}

async function factsOf(snapshot: Snapshot): Promise<SnapshotFacts> {
  const root = parseXml(await snapshot.xml()).child('domainsnapshot');
  return {
    name: snapshot.name,
    createdAt: new Date(Number(root?.child('creationTime')?.text) * 1000),
    withMemory: root?.child('memory')?.attribute('snapshot') === 'internal',
  };
}

/** The VM's definition as the snapshot keeps it. */
function domainInSnapshot(xml: string): string {
  return /<domain [\s\S]*?<\/domain>/.exec(xml)?.[0] ?? '';
}

/** What a VM that sleeps had in memory goes with disks that will not be there: its next start must not read it. */
async function forgetMemory(domain: Domain): Promise<void> {
  if (!(await domain.hasManagedSave())) return;
  await domain.removeManagedSave();
  await domain.setAutostart(true); // it was taken away for the sleep
}
