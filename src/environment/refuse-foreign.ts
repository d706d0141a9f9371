import { UserError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { EnvironmentRecord } from './record.ts';
import { openBackend } from './session.ts';

/**
 * Throws a UserError if a libvirt that others may use has an environment of this name already, of which this user has no
 * record: in one pool each would take the other's machine for a leftover of its own, and the first `down` would end both.
 */
export async function refuseForeign(record: EnvironmentRecord, log: Log): Promise<void> {
  if (record.host === 'private') return; // this user's alone: what lies there is what a lost record left
  await using backend = await openBackend(record, log);
  const { name, uri } = record;
  if (!(await backend.ground.environments()).includes(name)) return;
  throw new UserError('USAGE', `${uri} has an environment '${name}' already, which may be somebody else's`, {
    hints: [
      'choose another name: boshvirt up NAME',
      `if it is nobody's any more: boshvirt prune ${name}, or with virsh the VMs, network and pool boshvirt-${name}`,
    ],
  });
}
