import * as z from 'zod/mini';
import type { Log } from '../../../platform/log.ts';
import type { JsonObject } from '../../backend.ts';
import { parseProperties, warnOfUnknown } from '../../cloud-properties.ts';

/** The backend's own part of the CPI's configuration (`qemu:` in cpi.json). */
const optionsSchema = z.strictObject({
  /** pc: hot-plug without prepared ports, and BIOS boot; q35 gets spare root ports. */
  machine: z._default(z.enum(['pc', 'q35']), 'pc'),
  accel: z._default(z.enum(['auto', 'kvm', 'tcg']), 'auto'),
  /** How long reboot_vm waits for the guest to shut down by itself. */
  soft_reboot_seconds: z._default(z.number().check(z.nonnegative()), 90),
});
export type QemuOptions = z.output<typeof optionsSchema>;

const megabytes = z.int().check(z.nonnegative());
const vmSchema = z.object({
  cpus: z._default(z.int().check(z.positive(), z.maximum(512)), 1),
  memory: z._default(z.int().check(z.minimum(64)), 1024),
  ephemeral_disk: z._default(megabytes, 5120),
  root_disk: z._default(megabytes, 0),
});
const knownVmKeys = new Set(['cpus', 'memory', 'ephemeral_disk', 'root_disk']);

export interface VmResources {
  readonly cpus: number;
  readonly memoryMb: number;
  /** 0: none; the agent then parts the root disk. */
  readonly ephemeralDiskMb: number;
  /** 0: as large as the stemcell's image. */
  readonly rootDiskMb: number;
}

export function parseOptions(options: JsonObject): QemuOptions {
  return parseProperties(optionsSchema, options, 'configuration: qemu');
}

/** Reads a VM type's cloud properties; unknown keys warn, wrong types fail with the key's name. */
export function parseVmProperties(properties: JsonObject, log: Log): VmResources {
  warnOfUnknown('VM', properties, knownVmKeys, log);
  const { cpus, memory, ephemeral_disk, root_disk } = parseProperties(
    vmSchema,
    properties,
    'cloud_properties',
  );
  return { cpus, memoryMb: memory, ephemeralDiskMb: ephemeral_disk, rootDiskMb: root_disk };
}
