import { CloudError } from '../errors.ts';
import { attachDisk } from './attach-disk.ts';
import { calculateVmCloudProperties } from './calculate-vm-cloud-properties.ts';
import { createDisk } from './create-disk.ts';
import { createNetwork } from './create-network.ts';
import { createStemcell } from './create-stemcell.ts';
import { createVm } from './create-vm.ts';
import { deleteDisk } from './delete-disk.ts';
import { deleteNetwork } from './delete-network.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { deleteStemcell } from './delete-stemcell.ts';
import { deleteVm } from './delete-vm.ts';
import { detachDisk } from './detach-disk.ts';
import { getDisks } from './get-disks.ts';
import { hasDisk } from './has-disk.ts';
import { hasVm } from './has-vm.ts';
import { info } from './info.ts';
import { rebootVm } from './reboot-vm.ts';
import { resizeDisk } from './resize-disk.ts';
import { setDiskMetadata } from './set-disk-metadata.ts';
import { setVmMetadata } from './set-vm-metadata.ts';
import { snapshotDisk } from './snapshot-disk.ts';
import { updateDisk } from './update-disk.ts';

export type { Method } from './method.ts';

/** Wire name to method. Whatever is not here answers NotImplemented: current_vm_id, ping and configure_networks too (contract 1.3). */
export const methods = {
  info,
  create_stemcell: createStemcell,
  delete_stemcell: deleteStemcell,
  create_vm: createVm,
  delete_vm: deleteVm,
  has_vm: hasVm,
  reboot_vm: rebootVm,
  set_vm_metadata: setVmMetadata,
  calculate_vm_cloud_properties: calculateVmCloudProperties,
  create_disk: createDisk,
  delete_disk: deleteDisk,
  has_disk: hasDisk,
  attach_disk: attachDisk,
  detach_disk: detachDisk,
  get_disks: getDisks,
  set_disk_metadata: setDiskMetadata,
  resize_disk: resizeDisk,
  update_disk: updateDisk,
  snapshot_disk: snapshotDisk,
  delete_snapshot: deleteSnapshot,
  create_network: createNetwork,
  delete_network: deleteNetwork,
} as const;

/** The answer to a method that we lack; bosh goes on without it where it can (contract 1.3). */
export function notImplemented(method: string): CloudError {
  return new CloudError('NotImplemented', `boshvirt does not implement the CPI method '${method}'`);
}
