import { startCpiServer } from '../../cpi-server.ts';
import type { Step } from '../../steps/step.ts';
import { required, type UpJob, type UpWork } from '../../up-job.ts';

/** From now on the director can have VMs made; create-env has made the certificates with which it asks. */
export function cpiServerStep({ caller }: UpJob): Step<UpWork> {
  return {
    title: 'Serve the CPI to the director',
    async run(work, say) {
      const { detail } = await startCpiServer(required(work.record), caller);
      say(detail ?? 'it answers');
    },
  };
}
