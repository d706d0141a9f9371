import * as z from 'zod/mini';
import type { JsonObject } from '../../backend.ts';
import { parseProperties } from '../../cloud-properties.ts';

/** The backend's own part of the CPI's configuration (`qemu:` in cpi.json). */
const optionsSchema = z.strictObject({
  /** pc: hot-plug without prepared ports, and BIOS boot; q35 gets spare root ports. A VM type may say otherwise. */
  machine: z._default(z.enum(['pc', 'q35']), 'pc'),
  accel: z._default(z.enum(['auto', 'kvm', 'tcg']), 'auto'),
  /** How long reboot_vm waits for the guest to shut down by itself. */
  soft_reboot_seconds: z._default(z.number().check(z.nonnegative()), 90),
});
export type QemuOptions = z.output<typeof optionsSchema>;

export function parseOptions(options: JsonObject): QemuOptions {
  return parseProperties(optionsSchema, options, 'configuration: qemu');
}
