import { homedir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../platform/errors.ts';

/** Where everything of one environment lies; folders are 0700, files with secrets 0600. */
export interface EnvironmentPaths {
  readonly folder: string;
  /** What we decided about the environment: backend, network, host. */
  readonly record: string;
  /** bosh's deployment state. */
  readonly state: string;
  /** bosh's vars-store: passwords, certificates, the SSH key. */
  readonly credentials: string;
  /** The manifest that the last create-env was done by, without secrets. */
  readonly deployedManifest: string;
  /** HOME of bosh, the CPI's configuration, temporary files. */
  readonly work: string;
  /** With a director: what boshvirt applied last of each config. */
  readonly appliedConfigs: string;
  readonly snapshots: string;
  readonly lock: string;
  readonly logs: string;
}

const namePattern = /^[a-z][a-z0-9-]{0,30}$/;

/** Throws a UserError unless `name` can be part of names of networks, pools and folders. */
export function checkEnvironmentName(name: string): void {
  if (namePattern.test(name)) return;
  throw new UserError('USAGE', `'${name}' cannot be the name of an environment`, {
    hints: ['use up to 31 lower-case letters, digits and dashes, beginning with a letter'],
  });
}

export function environmentPaths(name: string): EnvironmentPaths {
  const folder = join(environmentsFolder(), name);
  return {
    folder,
    record: join(folder, 'env.yml'),
    state: join(folder, 'state.json'),
    credentials: join(folder, 'creds.yml'),
    deployedManifest: join(folder, 'deployed.yml'),
    work: join(folder, 'work'),
    appliedConfigs: join(folder, 'applied-configs.json'),
    snapshots: join(folder, 'snapshots'),
    lock: join(environmentsFolder(), `.${name}.lock`),
    logs: join(stateHome(), 'boshvirt', 'logs', name),
  };
}

/** Environments, their credentials and the private host. */
export const dataFolder = (): string => join(dataHome(), 'boshvirt');
export const environmentsFolder = (): string => join(dataFolder(), 'envs');
/** The folder of the private libvirt host, which all environments of this user share. */
export const privateHostFolder = (): string => join(dataFolder(), 'host');
export const cacheFolder = (): string => join(xdg('XDG_CACHE_HOME', '.cache'), 'boshvirt');

/** The user's own configuration, below the project's. */
export const userConfigPath = (): string =>
  join(xdg('XDG_CONFIG_HOME', '.config'), 'boshvirt', 'config.yaml');

const dataHome = (): string => xdg('XDG_DATA_HOME', '.local/share');
const stateHome = (): string => xdg('XDG_STATE_HOME', '.local/state');

/** Relative values are invalid by the XDG specification and are ignored. */
function xdg(variable: string, fallback: string): string {
  const value = process.env[variable];
  return value?.startsWith('/') ? value : join(homedir(), fallback);
}
