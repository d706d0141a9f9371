import { UserError } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';

/** Throws a UserError for this machine's share in another one's environment, which has no machine here. */
export function refuseJoined({ name, joined }: Pick<EnvironmentRecord, 'name' | 'joined'>): void {
  if (joined === undefined) return;
  throw new UserError(
    'USAGE',
    `'${name}' is this machine's share in an environment of the machine at ${joined.tunnel.near}`,
    {
      hints: [
        `boshvirt recover ${name} brings it back`,
        `boshvirt down ${name} ends it, with the VMs that are here`,
      ],
    },
  );
}
