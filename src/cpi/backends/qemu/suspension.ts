import { LibvirtError } from '../../../clients/libvirt/index.ts';
import type { SuspensionStore, VmCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { isWrongState, powerState, startDomain } from '../../on-libvirt/domains.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';

/**
 * libvirt's managed save: the memory lies in a file of libvirt's own, which the next start reads and deletes (libvirt-spikes.md 5). A
 * save that was cut off in the middle leaves a file that libvirt knows for none: the VM then starts anew.
 */
export class QemuSuspension implements SuspensionStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  async suspend(vm: VmCid): Promise<void> {
    const domain = await this.#host.existingVm(vm);
    try {
      await domain.managedSave({ running: true });
    } catch (error) {
      if (!(isWrongState(error) && !(await domain.isActive())))
        throw cloudErrorFrom(error, `Writing the memory of VM ${vm} to the disk`);
    }
    // or the libvirt of the next boot would wake it
    if ((await powerState(domain)) === 'suspended') await domain.setAutostart(false);
  }

  async resume(vm: VmCid): Promise<void> {
    const domain = await this.#host.existingVm(vm);
    await domain.setAutostart(true);
    const before = await powerState(domain);
    try {
      await startDomain(domain, 'CloudError');
    } catch (error) {
      if (before !== 'suspended' || !isUnreadable(error)) throw error;
      throw new CloudError('CloudError', `VM ${vm} cannot go on where it was: its memory cannot be read`, {
        cause: error,
        hints: [`let it start anew, as after a loss of power: virsh managedsave-remove ${vm}`],
      });
    }
    if ((await powerState(domain)) === 'paused') await domain.resume();
  }
}

/** A file that was damaged on the disk (libvirt-spikes.md 5). */
const isUnreadable = (error: unknown): boolean =>
  error instanceof CloudError &&
  error.cause instanceof LibvirtError &&
  /load of migration failed|error while loading state/.test(error.cause.message);
