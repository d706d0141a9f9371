import { dirname } from 'node:path';
import { runInTerminal } from '../platform/process.ts';
import { findBoshProgram } from './bosh-program.ts';
import { guestPlace } from './guest-place.ts';
import { requireRecord } from './record.ts';
import { shellEnvironment, shellVariables } from './shell-environment.ts';

/**
 * Runs a command with the variables of `boshvirt env`, where the environment's guests can be reached: on a private host that is
 * its network namespace, with its resolver. A bosh that `up` fetched is on its PATH. Gives the command's exit status.
 */
export async function exec(name: string, command: readonly [string, ...string[]]): Promise<number> {
  const record = await requireRecord(name);
  const place = await guestPlace(record);
  const bosh = await findBoshProgram();
  const [program = '', ...rest] = [...place, ...command];
  return await runInTerminal([program, ...rest], {
    env: {
      ...Object.fromEntries(ofOthers.map((variable) => [variable, undefined])),
      ...(await shellEnvironment(name)),
      PATH: [process.env.PATH, ...(bosh ? [dirname(bosh.path)] : [])].join(':'),
      ...direct(record.network.ip),
    },
  });
}

/** Variables that lead bosh and credhub to another environment, or by another way. */
const ofOthers = [...shellVariables, 'BOSH_ALL_PROXY', 'CREDHUB_PROXY'];

/** A proxy has no road to the machine. */
function direct(ip: string): Record<string, string> {
  const list = [process.env.no_proxy ?? process.env.NO_PROXY, ip].filter(Boolean).join(',');
  return { no_proxy: list, NO_PROXY: list };
}
