import { homedir } from 'node:os';
import type { DeploySource, EngineContext } from '../engine.ts';

/** Where programs lie that a user's PATH may leave out. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * The environment that bosh runs in: the user's, with a HOME of its own (bosh keeps what it unpacks there), without the
 * settings of the user's other work with bosh. The CPI gets the user's HOME back from BOSHVIRT_HOME.
 */
export function boshEnvironment(
  source: DeploySource,
  context: EngineContext,
  from: NodeJS.ProcessEnv = process.env,
): Record<string, string | undefined> {
  const kept = Object.entries(from).filter(([name]) => !name.startsWith('BOSH_'));
  const folders = [...(from.PATH ?? '').split(':').filter(Boolean), ...systemFolders];
  // a proxy has no road to the machine
  const direct = [from.no_proxy ?? from.NO_PROXY, source.vars.internal_ip].filter(Boolean).join(',');
  return {
    ...Object.fromEntries(kept),
    PATH: [...new Set(folders)].join(':'),
    HOME: context.workDir,
    BOSHVIRT_HOME: from.HOME ?? homedir(),
    NO_PROXY: direct,
    no_proxy: direct,
  };
}
