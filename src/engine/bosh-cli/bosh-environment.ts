import { homedir } from 'node:os';

/** Where programs lie that a user's PATH may leave out. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * The environment that bosh runs in: the user's, with a HOME of its own (bosh keeps what it unpacks there), without the
 * settings of the user's other work with bosh; `workDir` is that HOME. The CPI gets the user's HOME back from BOSHVIRT_HOME.
 */
export function boshEnvironment(
  { workDir, machineIp }: { workDir: string; machineIp: string | undefined },
  from: NodeJS.ProcessEnv = process.env,
): Record<string, string | undefined> {
  const kept = Object.entries(from).filter(([name]) => !name.startsWith('BOSH_'));
  const folders = [...(from.PATH ?? '').split(':').filter(Boolean), ...systemFolders];
  // a proxy has no road to the machine
  const direct = [from.no_proxy ?? from.NO_PROXY, machineIp].filter(Boolean).join(',');
  return {
    ...Object.fromEntries(kept),
    PATH: [...new Set(folders)].join(':'),
    HOME: workDir,
    BOSHVIRT_HOME: from.HOME ?? homedir(),
    NO_PROXY: direct,
    no_proxy: direct,
  };
}
