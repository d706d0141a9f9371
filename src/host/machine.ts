import { parseUri } from '../clients/libvirt/index.ts';
import { sshPrefix } from '../clients/libvirt/ssh.ts';
import { ToolError, UserError } from '../platform/errors.ts';
import { run } from '../platform/process.ts';
import { insideNetns } from './private-host/index.ts';

/** A place where programs run: this machine, a network namespace of it, another machine. */
export interface Machine {
  /** For people. */
  readonly name: string;
  /** What an argv begins with that runs there. */
  readonly prefix: readonly string[];
}

const timeoutMs = 30_000;

/** This machine or, if the path of one is given, a network namespace on it. */
export const thisMachine = (netnsPath?: string): Machine => ({
  name: netnsPath === undefined ? 'this machine' : `the network of the private libvirt host (${netnsPath})`,
  prefix: netnsPath === undefined ? [] : insideNetns(netnsPath, []),
});

/** The machine that a `driver+ssh://` URI leads to. */
export function machineAt(uri: string): Machine {
  const parsed = parseUri(uri);
  return { name: parsed.host ?? uri, prefix: sshPrefix(parsed) };
}

/** The driver, and whether the way leads by ssh to another machine. Throws a UserError for what is no URI. */
export function wayOf(uri: string): { readonly driver: string; readonly bySsh: boolean } {
  const { driver, transport } = parseUri(uri);
  return { driver, bySsh: transport === 'ssh' };
}

/** The same machine for programs that need root: as it is, or by sudo without a question. Throws PERMISSION where neither works. */
export async function asRoot(machine: Machine): Promise<Machine> {
  const { stdout } = await runOn(machine, ['id', '-u']);
  if (stdout.trim() === '0') return machine;
  const prefix = [...machine.prefix, 'sudo', '-n'];
  try {
    await runOn({ ...machine, prefix }, ['true']);
  } catch (error) {
    if (!(error instanceof ToolError || error instanceof UserError)) throw error;
    throw new UserError(
      'PERMISSION',
      `On ${machine.name} boshvirt may not change the network: it is not root there`,
      {
        cause: error,
        hints: [
          machine.prefix.length === 0
            ? 'sudo -v lets sudo do without a password for a while; then run the same command again'
            : 'log in there as root, or as a user who may sudo ip without a password',
        ],
      },
    );
  }
  return { ...machine, prefix };
}

/** This end's address and the other one's, as the machine behind an ssh URI sees its connection. */
export async function addressesOfLogin(machine: Machine): Promise<{ client: string; server: string }> {
  const { stdout } = await runOn(machine, ['printenv', 'SSH_CONNECTION']);
  const [client = '', , server = ''] = stdout.trim().split(' ');
  return { client, server };
}

/** The text of its /proc/cpuinfo. */
export const cpuinfoOf = async (machine: Machine): Promise<string> =>
  (await runOn(machine, ['cat', '/proc/cpuinfo'])).stdout;

async function runOn({ prefix }: Machine, words: readonly string[]) {
  const [program = '', ...rest] = [...prefix, ...words];
  return await run([program, ...rest], { timeoutMs });
}
