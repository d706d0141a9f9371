import { UserError } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';
import { formatMegabytes } from '../sizes.ts';

type Resources = EnvironmentRecord['resources'];

interface Need {
  readonly of: keyof Resources;
  readonly title: string;
  /** With less it does not come up, or not for long. */
  readonly floor: number;
  /** With less it is slow, or full some day. */
  readonly recommended: number;
}

/**
 * What Cloud Foundry takes in containers of one machine. Memory: 4 GiB hang, 8 GiB are the least that others got to work,
 * 5 GiB of them used by an empty one. Persistent disk: 27 GiB of releases alone in the director's blobstore, and its databases.
 */
const needs: readonly Need[] = [
  { of: 'memoryMb', title: 'memory', floor: 8192, recommended: 14_336 },
  { of: 'cpus', title: 'virtual processors', floor: 2, recommended: 4 },
  { of: 'ephemeralDiskMb', title: 'ephemeral disk', floor: 16_384, recommended: 49_152 },
  { of: 'persistentDiskMb', title: 'persistent disk', floor: 40_960, recommended: 65_536 },
];

/** What of the machine is too little (`floor`) or little (`recommended`), in words. */
export function judgeSize(resources: Resources, limit: 'floor' | 'recommended'): string[] {
  return needs.flatMap(({ of, title, ...limits }) => {
    const [has, wanted] = [resources[of], limits[limit]];
    if (has >= wanted) return [];
    const words = (value: number) => (of === 'cpus' ? String(value) : formatMegabytes(value));
    return [`${words(has)} of ${words(wanted)} ${title}`];
  });
}

/** Throws a UserError NO_RESOURCES with what to type if Cloud Foundry would not come up in a machine of this size. */
export function refuseTooSmall({ name, resources }: Pick<EnvironmentRecord, 'name' | 'resources'>): void {
  const short = judgeSize(resources, 'floor');
  if (short.length === 0) return;
  throw new UserError(
    'NO_RESOURCES',
    `The machine of '${name}' is too small for Cloud Foundry: ${short.join(', ')}`,
    {
      hints: [`make it larger: boshvirt up ${name} --size cf`],
    },
  );
}
