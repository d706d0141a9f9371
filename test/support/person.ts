import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateHostUri, removePrivateHost } from '../../src/host/private-host/index.ts';
import { run } from '../../src/platform/process.ts';
import { type Launcher, launcherFor } from './launcher.ts';

/** Somebody with a home folder of their own and nothing in it. Disposing of it ends and deletes all that they made. */
export interface Person extends Launcher, AsyncDisposable {
  readonly envs: string;
  readonly hostFolder: string;
  readonly uri: string;
  /** Names of all domains on their private libvirt, by virsh. */
  domains(): Promise<string[]>;
  virsh(...words: string[]): Promise<string>;
  /** Runs a command line in the machine `environment` and gives what it printed. */
  inGuest(line: string, environment?: string): Promise<string>;
  /** The first process of the private host, with which all others end. */
  holder(): Promise<number>;
}

export async function newPerson(driver = 'qemu'): Promise<Person> {
  const home = await mkdtemp(join(tmpdir(), 'bv-')); // short: a socket's path holds 107 bytes
  const launcher = launcherFor(home);
  const hostFolder = join(home, '.local/share/boshvirt/host');
  const uri = privateHostUri(hostFolder, driver);
  const virsh = async (...words: string[]) => (await run(['virsh', '-c', uri, ...words])).stdout;
  return {
    ...launcher,
    envs: join(home, '.local/share/boshvirt/envs'),
    hostFolder,
    uri,
    virsh,
    domains: async () => (await virsh('list', '--all', '--name')).split('\n').filter(Boolean),
    async inGuest(line, environment = 'default') {
      const { stdout, stderr, exitCode } = await launcher.run(['ssh', environment, '--', line]);
      if (exitCode !== 0) throw new Error(`'${line}' in the guest gave ${exitCode}: ${stderr}`);
      return stdout;
    },
    async holder() {
      return Number((await readFile(join(hostFolder, 'holder'), 'utf8')).split(' ')[0]);
    },
    async [Symbol.asyncDispose]() {
      await removePrivateHost(hostFolder);
      await rm(home, { recursive: true, force: true });
    },
  };
}
