import type { NodeMap } from '../template/index.ts';
import type { MachinePlan } from './manifest/index.ts';

/** The metadata that bosh gives to a create-env VM (contract 1.7); tags win over bosh's own. */
export function vmMetadata(plan: MachinePlan, now: Date): NodeMap {
  return {
    deployment: plan.deployment,
    job: plan.group,
    instance_group: plan.group,
    index: '0',
    director: 'bosh-init',
    name: `${plan.group}/0`,
    created_at: timestamp(now),
    ...plan.tags,
  };
}

/** The metadata of a disk: the VM's, but for what names the VM itself. */
export function diskMetadata(plan: MachinePlan, now: Date): NodeMap {
  const { job, name, index, created_at, ...shared } = vmMetadata(plan, now);
  return { ...shared, instance_index: index ?? '0', attached_at: timestamp(now) };
}

/** RFC 3339 without fractions, as Go writes it. */
const timestamp = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');
