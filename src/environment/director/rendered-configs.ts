import { interpolateText } from '../../engine/template/index.ts';
import { composeConfigs } from '../../manifest/configs.ts';
import { BugError } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';
import type { ConfigType } from './apply-config.ts';

/** A config as the director will have it; only variables that are the director's to make are left in it. */
export interface RenderedConfig {
  readonly type: ConfigType;
  readonly name: string;
  readonly text: string;
}

/** The configs that boshvirt gives to the environment's director. The folder of bosh-deployment has to be known. */
export async function renderedConfigs(record: EnvironmentRecord): Promise<RenderedConfig[]> {
  const { profile, boshDeploymentFolder: boshDeployment } = record;
  if (profile === 'machine' || boshDeployment === undefined)
    throw new BugError(`'${record.name}' (${profile}) has no configs, or no bosh-deployment`);
  const { network, workload, resources } = record;
  const composed = composeConfigs({ profile, boshDeployment, network, workload, cpus: resources.cpus });
  return await Promise.all(
    composed.map(async ({ type, name, vars, ...files }) => ({
      ...{ type, name },
      text: await interpolateText({
        ...files,
        vars: { ...record.vars, ...vars },
        varsFiles: record.varsFiles,
      }),
    })),
  );
}
