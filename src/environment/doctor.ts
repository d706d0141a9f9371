import {
  type Finding,
  inspectHost,
  installCommand,
  installPackages,
  missingPackages,
} from '../host/findings/index.ts';
import { UserError } from '../platform/errors.ts';
import { dataFolder } from './paths.ts';
import type { Caller } from './steps/step.ts';

export type { Finding };

/** Everything that boshvirt knows to look at on this machine. */
export async function doctor(): Promise<Finding[]> {
  return await inspectHost(dataFolder());
}

/** Installs the packages that are missing, once the person agreed. */
export async function repair(caller: Caller): Promise<void> {
  const missing = [...new Set([...(await missingPackages('qemu')), ...(await missingPackages('stemcell'))])];
  if (missing.length > 0) await installApproved(missing, caller);
}

/** Shows the one command, asks, installs; not root: throws a UserError with that command. */
export async function installApproved(missing: readonly string[], caller: Caller): Promise<void> {
  await approve(missing, caller);
  await caller.runSteps(
    [
      {
        title: 'Install packages',
        run: async (_, say) =>
          await installPackages(missing, { log: caller.log, signal: caller.signal, onLine: say }),
      },
    ],
    {},
  );
}

/** Asks before packages are installed. Throws DECLINED, or PREFLIGHT with the command for root. */
export async function approve(missing: readonly string[], caller: Caller): Promise<void> {
  const command = installCommand(missing);
  if (process.getuid?.() !== 0) {
    throw new UserError('PREFLIGHT', `This machine lacks packages: ${missing.join(', ')}`, {
      hints: [`as root: ${command}`],
    });
  }
  caller.tell(`This machine lacks packages; boshvirt would run:\n  ${command}`);
  if (await caller.confirm('Install them now?', 'yes')) return;
  throw new UserError('DECLINED', 'The packages were not installed', { hints: [command] });
}
