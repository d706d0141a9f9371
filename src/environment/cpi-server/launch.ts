import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { findSystemd, type Service } from '../../host/service/index.ts';
import { shortHash } from '../../platform/ids.ts';
import type { Log } from '../../platform/log.ts';
import { packageRoot } from '../../platform/package-root.ts';
import { startDaemon } from '../../platform/process.ts';
import { cpiServerPaths } from './paths.ts';

/** What was launched; `hasEnded` without having come up, as far as one can tell. */
export interface Launch {
  hasEnded(): boolean;
}

/** Has the server of an environment run from now on: by systemd also after a reboot, elsewhere as a daemon. */
export async function launchServer(name: string, log: Log): Promise<Launch> {
  const service = serviceOf(name);
  const systemd = await findSystemd(log);
  if (!systemd) return await startAsDaemon(name, service);
  await systemd.start(service);
  return { hasEnded: () => false }; // systemd starts it again
}

/** Takes back what has it run after a reboot. Idempotent. */
export async function forgetServer(name: string, log: Log): Promise<void> {
  await (await findSystemd(log))?.remove(serviceOf(name).name);
}

/** What of this process's environment says where things are; secrets of the user are not the server's business. */
const variables = ['PATH', 'HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME'];

function serviceOf(name: string): Service {
  const env = variables.map((variable) => [variable, process.env[variable] ?? ''] as const);
  return {
    // root may have environments of one name in several homes
    name: `boshvirt-cpi-${name}-${shortHash(cpiServerPaths(name).folder, 6)}`,
    description: `boshvirt: the CPI for the director of ${name}`,
    argv: [join(packageRoot(), 'bin', 'boshvirt'), 'cpi', 'serve', name],
    env: Object.fromEntries(env.filter(([, value]) => value !== '')),
  };
}

async function startAsDaemon(name: string, { argv, env }: Service): Promise<Launch> {
  const paths = cpiServerPaths(name);
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  await using output = await open(paths.output, 'w', 0o600);
  const [program = '', ...words] = argv;
  const child = startDaemon([program, ...words], output.fd, { ...env });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return { hasEnded: () => child.exitCode !== null || child.signalCode !== null };
}
