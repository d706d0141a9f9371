import { checkCompatibility, type StemcellLine, stemcellLineOf } from '../../manifest/compatibility/index.ts';
import { readPins } from '../../manifest/pins.ts';
import { UserError } from '../../platform/errors.ts';
import { inspectStemcell } from '../../stemcell/inspect-stemcell.ts';
import type { StemcellSource } from '../deploy.ts';
import type { EnvironmentRecord } from '../record.ts';
import type { Caller } from '../steps/step.ts';
import { renderedConfigs } from './rendered-configs.ts';

/**
 * Throws PREFLIGHT for stemcells, releases and settings of which bosh would find out after many minutes that they do not go
 * together; tells of what will only miss something.
 */
export async function refuseMismatch(
  record: EnvironmentRecord,
  { name, version }: StemcellSource,
  manifest: string,
  caller: Pick<Caller, 'tell' | 'signal'>,
): Promise<void> {
  const { profile, resources } = record;
  if (profile === 'machine') return;
  const dns = (await renderedConfigs(record)).find((config) => config.name === 'dns');
  const findings = checkCompatibility({
    ...{ profile, manifest, memoryMb: resources.memoryMb, runtimeConfig: dns?.text },
    machineStemcell: lineOf(name, version),
    containerStemcell: profile === 'lite' ? await containerStemcell(record, caller.signal) : undefined,
  });
  const failed = findings.filter(({ status }) => status === 'fail');
  for (const { title, detail, why, fix } of findings.filter(({ status }) => status === 'warn'))
    caller.tell(`${title}: ${detail}; ${why}${fix === undefined ? '' : `\n  → ${fix}`}`);
  if (failed.length === 0) return;
  throw new UserError('PREFLIGHT', failed.map(({ detail, why }) => `${detail}: ${why}`).join('\n'), {
    hints: failed.flatMap(({ fix }) => (fix === undefined ? [] : [fix])),
  });
}

async function containerStemcell(
  { workloadStemcell: asked }: EnvironmentRecord,
  signal: AbortSignal,
): Promise<StemcellLine | undefined> {
  if (asked === 'none') return undefined;
  if (asked === undefined) return (await readPins())['container-stemcells'][0];
  const { name, version } = await inspectStemcell(asked, signal);
  return lineOf(name, version);
}

const lineOf = (name: string | undefined, version: string | undefined): StemcellLine | undefined =>
  name === undefined || version === undefined ? undefined : stemcellLineOf(name, version);
