import { resolve } from 'node:path';
import { buildProbeStemcell, type ProbeFormName } from '../stemcell/index.ts';
import type { Caller } from './steps/step.ts';

export type BuiltStemcell = Awaited<ReturnType<typeof buildProbeStemcell>>;

interface StemcellRequest {
  readonly cacheDir: string;
  readonly outPath: string | undefined;
  readonly agentPath: string | undefined;
  readonly form: ProbeFormName;
}

/** Builds the probe stemcell, or finds it in the cache. */
export async function buildStemcell(request: StemcellRequest, caller: Caller): Promise<BuiltStemcell> {
  const work: { built?: BuiltStemcell } = {};
  await caller.runSteps(
    [
      {
        title: 'Build the probe stemcell',
        async run(_, say) {
          work.built = await buildProbeStemcell({
            cacheDir: request.cacheDir,
            form: request.form,
            log: caller.log,
            signal: caller.signal,
            onStep: say,
            ...(request.outPath === undefined ? {} : { outPath: resolve(request.outPath) }),
            ...(request.agentPath === undefined ? {} : { agentPath: resolve(request.agentPath) }),
          });
        },
      },
    ],
    work,
  );
  return work.built as BuiltStemcell;
}
