import * as z from 'zod/mini';
import type { Log } from '../../../platform/log.ts';
import type { JsonObject } from '../../backend.ts';
import { parseProperties, warnOfUnknown } from '../../cloud-properties.ts';
import { portsShape } from '../../on-libvirt/networks/port-properties.ts';
import { type VmSize, vmSizeFrom, vmSizeShape } from '../../on-libvirt/vm-size.ts';
import { deviceFault } from './devices.ts';

export type Machine = 'pc' | 'q35';
export type DiskBus = 'virtio' | 'scsi';

const name = z.string().check(z.minLength(1));
const device = z
  .string()
  .check(
    z.refine((xml) => deviceFault(xml) === undefined, { error: ({ input }) => deviceFault(input as string) }),
  );

const vmShape = {
  ...vmSizeShape,
  ...portsShape, // read where the VM's networks are planned
  cpu_model: z.optional(z.string().check(z.regex(/^[\w.+-]+$/, 'not the name of a processor model'))),
  machine: z.optional(z.enum(['pc', 'q35'])),
  firmware: z.optional(z.enum(['bios', 'uefi'])),
  disk_bus: z.optional(z.enum(['virtio', 'scsi'])),
  storage_pool: z.optional(name),
  devices: z._default(z.array(device), []),
} as const;
const vmSchema = z.object(vmShape);
const knownKeys = new Set(Object.keys(vmShape));

/** A VM type's cloud properties, as docs/cloud-properties.md explains them. */
export interface VmProperties extends VmSize {
  /** `host-passthrough`, `host-model` or a model that libvirt knows; undefined: what suits the accelerator. */
  readonly cpuModel: string | undefined;
  readonly machine: Machine;
  readonly firmware: 'bios' | 'uefi';
  readonly diskBus: DiskBus;
  /** libvirt's pool for the VM's own disks; undefined: the environment's. */
  readonly storagePool: string | undefined;
  /** libvirt's XML of further devices. */
  readonly devices: readonly string[];
}

/** What a VM gets where its cloud properties are silent. */
export interface VmDefaults {
  readonly machine: Machine;
  /** Of the stemcell: a vsphere one boots by UEFI alone and looks for its disks on a SCSI bus (contract 2.6). */
  readonly infrastructure: string | undefined;
}

/** Unknown keys warn, wrong types fail with the key's name. */
export function parseVmProperties(properties: JsonObject, defaults: VmDefaults, log: Log): VmProperties {
  warnOfUnknown('VM', properties, knownKeys, log);
  const parsed = parseProperties(vmSchema, properties, 'cloud_properties');
  const isVsphere = defaults.infrastructure === 'vsphere';
  const firmware = parsed.firmware ?? (isVsphere ? 'uefi' : 'bios');
  return {
    ...vmSizeFrom(parsed),
    cpuModel: parsed.cpu_model,
    machine: parsed.machine ?? (firmware === 'uefi' ? 'q35' : defaults.machine), // some distributions' UEFI knows q35 alone
    firmware,
    diskBus: parsed.disk_bus ?? (isVsphere ? 'scsi' : 'virtio'),
    storagePool: parsed.storage_pool,
    devices: parsed.devices,
  };
}
