import type { BackendModule } from '../cpi/backend.ts';
import { backendModule, defaultBackend } from '../cpi/backends/registry.ts';
import {
  hostChecks,
  inspect,
  installCommand,
  installPackages,
  missingPackages,
  packageCheck,
  stemcellPackages,
} from '../host/findings/index.ts';
import { systemUri } from '../host/libvirt-service.ts';
import { UserError } from '../platform/errors.ts';
import { type Check, type Finding, ok } from '../platform/finding.ts';
import { allBackends, automaticBackend } from './choose-backend.ts';
import { cpiServerChecks } from './cpi-server/checks.ts';
import { dataFolder } from './paths.ts';
import { readableRecords } from './record.ts';
import type { Caller } from './steps/step.ts';

/** A finding, and the backend that it is about, if it is about one. */
export interface DoctorFinding extends Finding {
  readonly backend?: string;
}

/**
 * Everything that boshvirt knows to look at on this machine: for one backend, or for all. Of all, those fail that `up` would
 * take or an environment is on; what the others lack is a warning.
 */
export async function doctor(backend: string | undefined): Promise<DoctorFinding[]> {
  const modules = backend === undefined ? await allBackends() : [await backendModule(backend)];
  const wanted = backend === undefined ? await wantedBackends() : [backend];
  const [driver] = (modules.find(({ name }) => wanted.includes(name)) ?? modules[0])?.drivers ?? [];
  const own = backend === undefined ? [automatic, ...(await cpiServerChecks())] : [];
  const general = await inspect([...hostChecks(dataFolder(), systemUri(driver ?? '')), ...own]);
  const each = await Promise.all(modules.map((module) => doctorOf(module, wanted.includes(module.name))));
  return [...general, ...each.flat()];
}

async function doctorOf({ name, preflight }: BackendModule, isWanted: boolean): Promise<DoctorFinding[]> {
  const { packages, checks } = await preflight();
  const facts = { id: `${name}.packages`, title: 'packages', why: `guests of the backend ${name} need them` };
  const findings = await inspect([packageCheck(facts, packages, ['--backend', name]), ...checks]);
  return findings.map((finding) => ({
    ...finding,
    backend: name,
    status: finding.status === 'fail' && !isWanted ? 'warn' : finding.status,
  }));
}

const automatic: Check = {
  id: 'backend.auto',
  title: 'backend',
  why: 'boshvirt up takes it unless it is told otherwise',
  async look() {
    const { module, why } = await automaticBackend();
    return ok(`${module.name}: ${why}`);
  },
};

/** What `up` would take here, and what this user's environments are on. */
async function wantedBackends(): Promise<string[]> {
  const records = await readableRecords();
  return [(await unasked()).name, ...records.map(({ backend }) => backend)];
}

/** The backend that `up` would take or, where none can be, the one that it would like best. */
async function unasked(): Promise<BackendModule> {
  try {
    return (await automaticBackend()).module;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return await backendModule(defaultBackend);
  }
}

/** Installs the packages that are missing for a backend, or for the one that `up` would take, once the person agreed. */
export async function repair(backend: string | undefined, caller: Caller): Promise<void> {
  const module = backend === undefined ? await unasked() : await backendModule(backend);
  const missing = await missingPackages([...(await module.preflight()).packages, ...stemcellPackages]);
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
