import type { BackendModule } from '../cpi/backend.ts';
import { findLibvirt } from '../host/libvirt-service.ts';
import { privateHostUri } from '../host/private-host/index.ts';
import { UserError } from '../platform/errors.ts';
import type { ChosenHost } from './decide.ts';
import { privateHostFolder } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import type { UpRequest } from './up-settings.ts';

/** What was chosen before stays; a libvirt that a person named has to answer; where none does, ours will. */
export async function chooseHost(
  { name: backend, drivers: [driver] }: BackendModule,
  request: UpRequest,
  before: EnvironmentRecord | undefined,
  signal: AbortSignal,
): Promise<ChosenHost> {
  if (before) return before;
  const found = await findLibvirt(request.uri, { driver, signal });
  if (found.kind !== 'none') return { backend, uri: found.uri, host: found.kind };
  if (process.getuid?.() !== 0) {
    throw new UserError('PERMISSION', 'No libvirt answers, and to run one of its own boshvirt needs root', {
      hints: [
        'run the same command with sudo -H',
        'or let this machine’s libvirtd answer you: sudo systemctl enable --now libvirtd; sudo usermod -aG libvirt $USER',
      ],
    });
  }
  return { backend, uri: privateHostUri(privateHostFolder(), driver), host: 'private' };
}
