import * as z from 'zod/mini';
import type { Log } from '../../../platform/log.ts';
import type { JsonObject } from '../../backend.ts';
import { parseProperties, warnOfUnknown } from '../../cloud-properties.ts';
import { portsShape } from '../../on-libvirt/networks/port-properties.ts';
import { type VmSize, vmSizeFrom, vmSizeShape } from '../../on-libvirt/vm-size.ts';

/** The backend's own part of the CPI's configuration (`lxc:` in cpi.json). */
const optionsSchema = z.strictObject({
  /** How long reboot_vm waits for the container to shut down by itself. */
  soft_reboot_seconds: z._default(z.number().check(z.nonnegative()), 60),
});
export type LxcOptions = z.output<typeof optionsSchema>;

const path = z.string().check(z.regex(/^\//, 'not an absolute path'));

const vmShape = {
  ...vmSizeShape,
  ...portsShape, // read where the VM's networks are planned
  /** The first program in the container, with its arguments; what the stemcell has if nothing is said. */
  init: z.optional(z.union([path, z.array(z.string()).check(z.minLength(1))])),
} as const;
const vmSchema = z.object(vmShape);
const knownKeys = new Set(Object.keys(vmShape));

export interface VmProperties extends VmSize {
  /** Empty: what the stemcell has. */
  readonly init: readonly string[];
}

export function parseOptions(options: JsonObject): LxcOptions {
  return parseProperties(optionsSchema, options, 'configuration: lxc');
}

/** Unknown keys warn, wrong types fail with the key's name. */
export function parseVmProperties(properties: JsonObject, log: Log): VmProperties {
  warnOfUnknown('VM', properties, knownKeys, log);
  const parsed = parseProperties(vmSchema, properties, 'cloud_properties');
  return { ...vmSizeFrom(parsed), init: [parsed.init ?? []].flat() };
}
