import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { interpolateText } from '../engine/template/index.ts';
import { UserError } from '../platform/errors.ts';
import { readTextIfThere } from '../platform/files.ts';
import { createEnvScript } from './create-env-scripts.ts';
import { deploySource } from './deploy.ts';
import { renderedConfigs } from './director/rendered-configs.ts';
import { type EnvironmentRecord, requireRecord } from './record.ts';
import { openBackend, requireVm } from './session.ts';
import type { Caller } from './steps/step.ts';
import type { UpOptions } from './up-job.ts';
import type { UpRequest } from './up-settings.ts';
import { type WantedEnvironment, wantedEnvironment } from './wanted-environment.ts';

/** What bosh and the director are given; there too of an environment that is not up. */
const composed = ['manifest', 'ops', 'vars', 'cloud-config', 'runtime-config'] as const;
/** What only an environment that is up has. */
const made = ['command', 'domain-xml', 'network-xml'] as const;

export const renderable = [...composed, ...made] as const;
export type Renderable = (typeof renderable)[number];

/**
 * What boshvirt hands to bosh, to the director and to the hypervisor, as text; of an environment that is not up, or for a
 * request, what `up` would hand over. Generated variables stay ((names)): secrets are not shown.
 */
export async function render(
  name: string,
  what: Renderable,
  request: UpRequest,
  options: Pick<UpOptions, 'offline' | 'boshvirtCommand'>,
  caller: Pick<Caller, 'log' | 'signal'>,
): Promise<string> {
  const isMade = (document: Renderable): document is (typeof made)[number] =>
    (made as readonly string[]).includes(document);
  if (isMade(what)) return await renderMade(name, what, caller);
  const wanted = await wantedEnvironment(name, request, options, caller);
  if (what === 'cloud-config' || what === 'runtime-config')
    return await renderConfig(wanted.record, what === 'cloud-config' ? 'cloud' : 'runtime');
  return await renderInput(wanted, what, options.boshvirtCommand);
}

async function renderMade(
  name: string,
  what: (typeof made)[number],
  { log }: Pick<Caller, 'log'>,
): Promise<string> {
  const record = await requireRecord(name);
  if (what === 'command') return await renderCommand(name);
  await using backend = await openBackend(record, log);
  if (what === 'network-xml') return await backend.ground.networkDefinition();
  return await backend.ground.vmDefinition(await requireVm(name));
}

async function renderCommand(name: string): Promise<string> {
  const script = await readTextIfThere(createEnvScript(name));
  if (script !== undefined) return script;
  throw new UserError('NO_ENVIRONMENT', `bosh has not been started for environment '${name}' yet`, {
    hints: [`boshvirt up ${name} writes the command down before it carries it out`],
  });
}

async function renderConfig(record: EnvironmentRecord, type: 'cloud' | 'runtime'): Promise<string> {
  if (record.profile === 'machine') {
    throw new UserError('USAGE', `Environment '${record.name}' is a machine without a director`, {
      hints: ['one with a director: boshvirt render NAME cloud-config --profile lite'],
    });
  }
  const configs = await renderedConfigs(record);
  return configs.flatMap((config) => (config.type === type ? [config.text] : [])).join('---\n');
}

async function renderInput(
  { record, stemcell }: WantedEnvironment,
  what: 'manifest' | 'ops' | 'vars',
  boshvirtCommand: string,
): Promise<string> {
  const { manifestPath, opsFiles, vars, varsFiles } = deploySource(record, stemcell, boshvirtCommand);
  if (what === 'vars') return stringify(vars);
  if (what === 'ops') return (await Promise.all(opsFiles.map((path) => readFile(path, 'utf8')))).join('');
  return await interpolateText({ manifestPath, opsFiles, vars, varsFiles });
}
