import { backendModule } from '../cpi/backends/registry.ts';
import { availableMemoryMb } from '../host/findings/index.ts';
import { UserError } from '../platform/errors.ts';
import type { EnvironmentRecord } from './record.ts';
import { formatMegabytes } from './sizes.ts';

/**
 * Refuses a machine that would not find its memory on this host: the kernel would end it, or something else, later on. The
 * machine of an environment that stands, were it a half, may have its memory already. Throws a UserError NO_RESOURCES.
 */
export async function refuseShortMemory(
  record: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
): Promise<void> {
  if (record.uri.includes('+ssh:')) return; // another host's memory cannot be seen from here
  const wanted = record.resources.memoryMb;
  const { overheadMb } = await (await backendModule(record.backend)).preflight();
  const has = before?.resources.memoryMb ?? -overheadMb;
  const available = await availableMemoryMb();
  if (wanted - has <= available) return;
  throw new UserError(
    'NO_RESOURCES',
    `The machine is to have ${formatMegabytes(wanted)} of memory; this host has ${formatMegabytes(available)} left`,
    { hints: ['ask for less with --memory or --size', 'or end something large'] },
  );
}
