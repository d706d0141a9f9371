import * as z from 'zod/mini';
import type { JsonObject } from '../backend.ts';
import { parseProperties, warnOfUnknown } from '../cloud-properties.ts';
import { CloudError } from '../errors.ts';
import type { LibvirtHost } from './libvirt-host.ts';

const diskSchema = z.object({ storage_pool: z.optional(z.string()) });
const knownKeys = new Set(['storage_pool']);

/**
 * Looks at a disk type's cloud properties. A disk lies in the environment's pool, where everyone who looks for it finds it: to
 * ask for another one is NotSupported, since a disk in a place that nobody asked for would go unnoticed.
 */
export function checkDiskProperties(host: LibvirtHost, properties: JsonObject): void {
  warnOfUnknown('disk', properties, knownKeys, host.log);
  const { storage_pool: pool } = parseProperties(diskSchema, properties, 'cloud_properties');
  const own = host.config.storagePool;
  if (pool === undefined || pool === own) return;
  throw new CloudError(
    'NotSupported',
    `cloud_properties.storage_pool: persistent disks lie in the environment's pool '${own}', not in '${pool}'`,
    { hints: ['leave it out; VM types can name a pool for their root and ephemeral disks'] },
  );
}
