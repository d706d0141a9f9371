import * as z from 'zod/mini';
import { defineMethod } from './method.ts';

const amount = z.number().check(z.nonnegative());
const vmResources = z.object({ cpu: amount, ram: amount, ephemeral_disk_size: amount });

/** Cloud properties for a manifest's `vm_resources`; ram and ephemeral_disk_size are MiB (contract 1.3). */
export const calculateVmCloudProperties = defineMethod({
  args: [vmResources],
  async run({ openBackend }, [needs]) {
    return (await openBackend()).vms.cloudPropertiesFor({
      cpus: Math.max(1, Math.ceil(needs.cpu)),
      memoryMb: Math.ceil(needs.ram),
      ephemeralDiskMb: Math.ceil(needs.ephemeral_disk_size),
    });
  },
});
