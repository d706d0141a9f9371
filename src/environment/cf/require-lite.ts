import { UserError } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';

/** An environment that Cloud Foundry can be deployed to. */
export type LiteRecord = EnvironmentRecord & {
  readonly workload: NonNullable<EnvironmentRecord['workload']>;
};

/** Throws a UserError unless the environment is a lite one, whose deployments are containers. */
export function requireLite(record: EnvironmentRecord): LiteRecord {
  const { name, profile, workload } = record;
  if (profile === 'lite' && workload) return { ...record, workload };
  const another = 'make a lite one beside it: boshvirt up NAME --profile lite --size cf';
  if (profile === 'director') {
    throw new UserError(
      'UNSUPPORTED',
      `Environment '${name}' makes a VM of each instance; for Cloud Foundry these would be 15, with 96 GiB of memory in all`,
      {
        hints: [another, 'or deploy it by hand with sizes of your own: boshvirt exec -- bosh -d cf deploy …'],
      },
    );
  }
  if (profile === 'machine') {
    throw new UserError('USAGE', `Environment '${name}' is a machine without a director`, {
      hints: [another],
    });
  }
  throw new UserError('USAGE', `Environment '${name}' has no range for containers yet`, {
    hints: [`boshvirt up ${name} gives it one`],
  });
}
