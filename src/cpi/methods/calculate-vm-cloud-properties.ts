import * as z from 'zod/mini';
import { defineMethod } from './method.ts';

const amount = z.number().check(z.nonnegative());
const vmResources = z.object({ cpu: amount, ram: amount, ephemeral_disk_size: amount });

/** Memory comes in steps of this, so that VMs of about one size are of one size. */
const memoryStepMb = 64;

/**
 * Cloud properties for a manifest's `vm_resources`; ram and ephemeral_disk_size are MiB (contract 1.3). Rounded up: to whole
 * processors and at least one, to whole steps of memory and at least one, to whole MiB of disk.
 */
export const calculateVmCloudProperties = defineMethod({
  args: [vmResources],
  async run({ openBackend }, [needs]) {
    return (await openBackend()).vms.cloudPropertiesFor({
      cpus: Math.max(1, Math.ceil(needs.cpu)),
      memoryMb: Math.max(1, Math.ceil(needs.ram / memoryStepMb)) * memoryStepMb,
      ephemeralDiskMb: Math.ceil(needs.ephemeral_disk_size),
    });
  },
});
