import { join } from 'node:path';
import { writeFileAtomic } from '../../platform/files.ts';
import { AgentClient } from '../agent-client/index.ts';
import { CpiClient } from '../cpi-client.ts';
import { cpiConfigFrom } from '../cpi-config.ts';
import type { DeploySource, EngineContext } from '../engine.ts';
import type { StateFile } from '../state-file.ts';
import { type NodeMap, renderManifest } from '../template/index.ts';
import { Cloud } from './cloud.ts';
import { providerFrom, secretsIn } from './manifest/index.ts';

/** What both commands work with: bosh's state, the CPI, the agent. */
export interface Deployment {
  readonly state: StateFile;
  readonly cloud: Cloud;
  readonly agent: AgentClient;
  readonly context: EngineContext;
}

/** The manifest as data, and as the text whose digest tells whether it changed. */
export async function readManifest(source: DeploySource): Promise<{ manifest: NodeMap; text: string }> {
  // the CPI is this program: its release is not needed, and a manifest without it is complete
  const vars = { boshvirt_cpi_release_url: 'none', boshvirt_cpi_release_sha1: 'none', ...source.vars };
  return await renderManifest({ ...source, vars });
}

/** Makes everything ready for the first call; nothing outside of `workDir` is touched. */
export async function openDeployment(
  manifest: NodeMap,
  state: StateFile,
  stemcellApiVersion: number,
  context: EngineContext,
): Promise<Deployment> {
  const { mbus, ca, cpiProperties } = providerFrom(manifest);
  const { road, log, signal, boshvirtCommand, workDir, logPath } = context;
  const configPath = join(workDir, 'cpi.json');
  await writeFileAtomic(configPath, JSON.stringify(cpiConfigFrom(cpiProperties), null, 2));
  const cpi = new CpiClient({
    command: [...boshvirtCommand, 'cpi', '--config', configPath],
    directorUuid: state.state.director_id,
    stemcellApiVersion,
    logPath,
    secrets: secretsIn(manifest),
    signal,
    lockDescriptor: context.lockDescriptor,
  });
  const agent = new AgentClient({ mbus, ca, road, log, signal });
  return { state, cloud: new Cloud(cpi), agent, context };
}
