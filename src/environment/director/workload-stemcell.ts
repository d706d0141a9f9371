import type { Artifact } from '../../downloads/index.ts';
import { readPins, type StemcellPin } from '../../manifest/pins.ts';
import { UserError } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';

/** The stemcell of deployments: a file of the user's, something to be fetched, or none. */
export type WorkloadStemcell =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'pinned'; readonly artifact: Artifact }
  | { readonly kind: 'none' };

/**
 * What was asked for; else in lite the one for containers, and where deployments are VMs that of the director's machine. Throws
 * UNSUPPORTED where there is none for the backend.
 */
export async function workloadStemcellOf(record: EnvironmentRecord): Promise<WorkloadStemcell> {
  const { workloadStemcell: asked, profile, backend, stemcellFile } = record;
  if (asked === 'none') return { kind: 'none' };
  if (asked !== undefined) return { kind: 'file', path: asked };
  const pins = await readPins();
  if (profile === 'lite') return pinned(pins['container-stemcells'][0]);
  if (stemcellFile !== undefined) return { kind: 'file', path: stemcellFile.path };
  const pin = pins['machine-stemcells'][backend];
  if (pin) return pinned(pin);
  throw new UserError('UNSUPPORTED', `boshvirt knows no stemcell for deployments on ${backend}`, {
    hints: ['name one: --workload-stemcell FILE', 'or do without: --workload-stemcell none'],
  });
}

const pinned = ({ name, version, url, sha1 }: StemcellPin): WorkloadStemcell => ({
  kind: 'pinned',
  artifact: { name: `stemcell ${name}/${version}`, urls: [url], sha1 },
});
