import { fetchBosh } from '../../bosh-program.ts';
import { fetchOptionsOf } from '../../fetch-options.ts';
import type { Step } from '../../steps/step.ts';
import type { UpJob, UpWork } from '../../up-job.ts';

/** A bosh CLI of the machine's own is as good as the one that this version was made for. */
export function boshStep({ options, caller }: UpJob): Step<UpWork> {
  return {
    title: 'Find the bosh CLI',
    async run(_, say) {
      const { path, version } = await fetchBosh(fetchOptionsOf(options, caller, say, 'bosh CLI'));
      say(`${path}, version ${version}`);
    },
  };
}
