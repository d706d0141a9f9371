import type { Figure } from '../figure.ts';
import { attachDisk } from './attach-disk.ts';
import { resizeDisk, snapshotDisk } from './change-disk.ts';
import { createContainer, deleteContainer } from './containers.ts';
import { cpiInfo } from './cpi-info.ts';
import { createStemcell } from './create-stemcell.ts';
import { createVm, eightVms } from './create-vm.ts';
import { deleteVm } from './delete-vm.ts';
import { detachDisk } from './detach-disk.ts';
import { help } from './help.ts';
import { lightCalls } from './light-calls.ts';
import { manyVms, manyVolumes } from './many.ts';
import { mixedCalls } from './mixed-calls.ts';
import { secondUp } from './second-up.ts';
import { stemcellMemory } from './stemcell-memory.ts';

/** In the order of the table. */
export const figures: readonly Figure[] = [
  cpiInfo,
  lightCalls,
  createStemcell,
  stemcellMemory,
  createVm,
  eightVms,
  attachDisk,
  detachDisk,
  resizeDisk('qemu'),
  snapshotDisk('qemu'),
  deleteVm,
  mixedCalls('qemu'),
  manyVms,
  manyVolumes,
  createContainer,
  deleteContainer,
  resizeDisk('lxc'),
  snapshotDisk('lxc'),
  mixedCalls('lxc'),
  help,
  secondUp,
];
