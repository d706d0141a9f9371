import type { BackendModule } from '../cpi/backend.ts';
import { UserError } from '../platform/errors.ts';
import { buildProbeStemcell, type ProbeFormName, probeFormFor } from '../stemcell/index.ts';
import { inspectStemcell } from '../stemcell/inspect-stemcell.ts';
import { hasPinnedStemcell, pinnedStemcell } from './known-stemcell.ts';
import { cacheFolder } from './paths.ts';
import type { Step } from './steps/step.ts';
import { required, type UpJob, type UpWork } from './up-job.ts';
import { chosenStemcell, profileOf } from './up-settings.ts';

/** The stemcell of the machine: a tarball that is read, the probe stemcell that is built, or for a director what will be fetched. */
export function stemcellStep({ request, before, backend, caller: { log, signal } }: UpJob): Step<UpWork> {
  const { stemcell, agent } = chosenStemcell(request, before);
  const profile = profileOf(request, before);
  const isBuilt = stemcell === undefined && (profile === 'machine' || agent !== undefined);
  return {
    title: isBuilt
      ? 'Build the probe stemcell'
      : stemcell === undefined
        ? 'Choose the stemcell'
        : 'Read the stemcell',
    async run(work, say) {
      if (stemcell !== undefined) {
        work.stemcell = await inspectStemcell(stemcell, signal);
      } else if (hasPinnedStemcell(required(work.record))) {
        const pinned = await pinnedStemcell(backend.module.name);
        work.stemcell = pinned;
        say(`${pinned.name}/${pinned.version}`);
      } else {
        const form = requiredForm(backend.module);
        const place = { cacheDir: cacheFolder(), form, log, signal, onStep: say };
        const agentPath = agent === undefined ? {} : { agentPath: agent };
        work.stemcell = await buildProbeStemcell({ ...place, ...agentPath });
      }
    },
  };
}

function requiredForm({ name, traits }: BackendModule): ProbeFormName {
  const form = probeFormFor(traits.stemcellFormats);
  if (form !== undefined) return form;
  throw new UserError('UNSUPPORTED', `There is no probe stemcell for the backend ${name}`, {
    hints: [
      `name a stemcell with --stemcell; ${name} takes the formats ${traits.stemcellFormats.join(', ')}`,
    ],
  });
}
