import { backendModule } from '../cpi/backends/registry.ts';
import { availableMemoryMb } from '../host/findings/index.ts';
import { UserError } from '../platform/errors.ts';
import { isOnThisMachine } from './choose-backend.ts';
import type { EnvironmentRecord } from './record.ts';
import { formatMegabytes } from './sizes.ts';

export interface MemoryNeed {
  /** What the machine takes beyond what it has; less than nothing where it is to have less. */
  readonly moreMb: number;
  readonly availableMb: number;
}

/**
 * What the machine takes of this host's memory; the machine of an environment that stands, were it a half, may have its memory
 * already. undefined for a machine on another host, whose memory cannot be seen from here.
 */
export async function memoryNeed(
  record: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
): Promise<MemoryNeed | undefined> {
  if (!isOnThisMachine(record.uri)) return undefined;
  const { overheadMb } = await (await backendModule(record.backend)).preflight();
  const hasMb = before?.resources.memoryMb ?? -overheadMb;
  return { moreMb: record.resources.memoryMb - hasMb, availableMb: await availableMemoryMb() };
}

/**
 * Refuses a machine that would not find its memory on this host: the kernel would end it, or something else, later on. Throws a
 * UserError NO_RESOURCES.
 */
export async function refuseShortMemory(
  record: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
): Promise<void> {
  const need = await memoryNeed(record, before);
  if (need === undefined || need.moreMb <= need.availableMb) return;
  const [wanted, available] = [record.resources.memoryMb, need.availableMb].map(formatMegabytes);
  throw new UserError(
    'NO_RESOURCES',
    `The machine is to have ${wanted} of memory; this host has ${available} left`,
    { hints: ['ask for less with --memory or --size', 'or end something large'] },
  );
}
