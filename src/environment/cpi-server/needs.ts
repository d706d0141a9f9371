import { UserError } from '../../platform/errors.ts';
import { isOnThisMachine } from '../choose-backend.ts';
import type { EnvironmentRecord } from '../record.ts';

/** Whether the environment's director has its VMs made by this machine's CPI, and so needs it served. */
export const needsCpiServer = ({ profile }: Pick<EnvironmentRecord, 'profile'>): boolean =>
  profile === 'director';

/** The server listens where the bridge is. Throws UNSUPPORTED for a libvirt on another machine. */
export function refuseFarLibvirt({ name, uri }: Pick<EnvironmentRecord, 'name' | 'uri'>): void {
  if (isOnThisMachine(uri)) return;
  throw new UserError('UNSUPPORTED', `The libvirt of '${name}' is on another machine: ${uri}`, {
    hints: [
      'a director that makes VMs is served by the boshvirt of the machine that its network is on: run boshvirt up there',
      'with --profile lite deployments are containers in the director, which can be anywhere',
    ],
  });
}
