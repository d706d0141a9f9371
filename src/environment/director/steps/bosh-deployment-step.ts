import { checkoutOf } from '../../checkouts/index.ts';
import { fetchOptionsOf } from '../../fetch-options.ts';
import type { Step } from '../../steps/step.ts';
import { required, type UpJob, type UpWork } from '../../up-job.ts';

/** The folder whose manifests are composed. */
export function boshDeploymentStep({ options, caller }: UpJob): Step<UpWork> {
  return {
    title: 'Get bosh-deployment',
    async run(work, say) {
      const record = required(work.record);
      const ref = record.boshDeployment ?? 'pinned';
      const fetching = fetchOptionsOf(options, caller, say);
      const boshDeploymentFolder = await checkoutOf('bosh-deployment', ref, fetching);
      work.record = { ...record, boshDeploymentFolder };
      say(boshDeploymentFolder);
    },
  };
}
