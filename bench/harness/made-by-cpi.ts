import { join } from 'node:path';
import { cacheFolder } from '../../src/environment/paths.ts';
import { newCid } from '../../src/platform/ids.ts';
import { silentLog } from '../../src/platform/log.ts';
import { buildProbeStemcell } from '../../src/stemcell/index.ts';
import { runProgram } from './programs.ts';
import type { Rig } from './rig.ts';

export interface Machine {
  readonly name: string;
  readonly ip: string;
}

/** One create_vm, at an address of its own. */
export async function createMachine(rig: Rig, stemcell: string, shape: object): Promise<Machine> {
  const networks = rig.networks();
  const args = [newCid('agent'), stemcell, shape, networks, [], {}];
  const [name] = (await rig.cpi.call('create_vm', args)) as [string];
  return { name, ip: networks.default.ip };
}

/** The CID of the probe stemcell, once the rig has it. */
export async function importProbe(rig: Rig, form: 'vm' | 'container'): Promise<string> {
  const probe = await buildProbeStemcell({ cacheDir: cacheFolder(), log: silentLog, form });
  await runProgram(['tar', '-xzf', probe.path, '-C', rig.folder, 'image']);
  return (await rig.cpi.call('create_stemcell', [join(rig.folder, 'image'), {}, {}])) as string;
}
