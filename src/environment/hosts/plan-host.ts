import { randomInt } from 'node:crypto';
import { UserError } from '../../platform/errors.ts';
import { shortHash } from '../../platform/ids.ts';
import { objectNames } from '../network-plan.ts';
import type { HostRecord, SshHost } from './hosts-record.ts';

/** How the director calls the machine that its own environment is on. */
export const firstHost = 'first';

const namePattern = /^[a-z][a-z0-9-]{0,19}$/;

/** Throws a UserError for a name that no host can have. */
export function checkHostName(name: string): void {
  if (namePattern.test(name) && name !== firstHost) return;
  throw new UserError('USAGE', `'${name}' cannot be the name of a host`, {
    hints: [
      name === firstHost
        ? `${firstHost} is the machine that the environment itself is on`
        : 'use up to 20 lower-case letters, digits and dashes, beginning with a letter',
    ],
  });
}

/** What a person or the network has said of a host. */
interface HostFacts {
  readonly name: string;
  readonly near: string;
  readonly far: string;
  readonly underlay: HostRecord['tunnel']['underlay'];
  readonly port: number;
}

export type PlannedHost = Pick<HostRecord, 'name' | 'phase' | 'environment' | 'tunnel'>;

/** Of one that ssh leads to. */
interface SshFacts extends HostFacts, Pick<SshHost, 'uri' | 'backend' | 'options'> {}

/** Decides all about a new host that ssh leads to and that nobody has said. */
export function planSshHost(environment: string, id: string, facts: SshFacts): SshHost {
  const { uri, backend, options, ...others } = facts;
  const planned = planHost(environment, id, others);
  const { pool, network, bridge } = objectNames(planned.environment);
  return {
    kind: 'ssh',
    ...planned,
    ...{ uri, backend, options },
    pool: { name: pool, path: `/var/lib/libvirt/${pool}` },
    network: { name: network, bridge },
  };
}

/** Of an environment: the share is one to the machine that it is on (paths.ts). */
const longestName = 31;

/** What all new hosts have. */
export function planHost(environment: string, id: string, facts: HostFacts): PlannedHost {
  const { name, ...way } = facts;
  // each host its own, also where two names lead to one machine: a bridge with two tunnels to ours would be a loop
  const digits = shortHash(`${id} ${name}`, 6);
  const there = `${environment.slice(0, longestName - digits.length - 1)}-${digits}`;
  const tunnelId = randomInt(1, 2 ** 24 - 1); // a receiver tells tunnels apart by it, other people's too
  return {
    name,
    phase: 'joining',
    environment: there,
    tunnel: {
      device: `bvx-${shortHash(there, 10)}`,
      id: tunnelId,
      ...way,
      probe: probeAddresses(tunnelId),
    },
  };
}

/**
 * Two addresses that BOSH never gives to a VM, in a range of link-local ones (RFC 3927) that hardly another tunnel of either machine
 * has. Clouds have services at 169.254.169.254: the third number is never 169.
 */
function probeAddresses(id: number): { near: string; far: string } {
  const third = 1 + (Math.floor(id / 64) % 168);
  const first = (id % 64) * 4;
  return { near: `169.254.${third}.${first + 1}`, far: `169.254.${third}.${first + 2}` };
}
