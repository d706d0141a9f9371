import type { DiskDetails, VmDetails } from '../cpi/backend.ts';
import { isYoung } from '../platform/young.ts';

type Metadata = Readonly<Record<string, unknown>>;

/** How create-env signs what it makes, which no director knows of (contract 1.7). */
const createEnvItself = 'bosh-init';

/** Whether a director has what carries this metadata in its database. */
export const hasDirector = ({ director }: Metadata): boolean =>
  typeof director === 'string' && director !== createEnvItself;

/** Whether nobody has a persistent disk: no VM, no director, none of the CIDs that bosh's state names. */
export const isLost = ({ cid, attachedTo, metadata }: DiskDetails, known: ReadonlySet<string>): boolean =>
  attachedTo === undefined && !known.has(cid) && !hasDirector(metadata);

/** Whether a VM is what a killed create_vm left: bosh says whose a VM is as soon as it has it. */
export const isStray = ({ cid, metadata, madeAt }: VmDetails, known: ReadonlySet<string>): boolean =>
  !known.has(cid) && Object.keys(metadata).length === 0 && madeAt !== undefined && !isYoung(madeAt);

/** BOSH's name for what a VM or a disk belongs to: `group/index`, with the deployment in front if it is another one. */
export function instanceName(metadata: Metadata, environment: string): string | undefined {
  const { deployment, instance_group: group, job, index, instance_index: diskIndex } = metadata;
  const [name, number] = [group ?? job, index ?? diskIndex];
  if (typeof name !== 'string') return undefined;
  const instance = number === undefined ? name : `${name}/${number}`;
  return typeof deployment !== 'string' || deployment === environment
    ? instance
    : `${deployment}/${instance}`;
}
