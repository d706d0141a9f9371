import type { Step } from '../../steps/step.ts';
import { required, type UpJob, type UpWork } from '../../up-job.ts';
import { waitForDirector } from '../wait-for-director.ts';

export function directorStep({ caller }: UpJob): Step<UpWork> {
  return {
    title: 'Wait for the director',
    async run(work, say) {
      const { name, version } = await waitForDirector(required(work.record), caller, say);
      say(`${name}, version ${version}`);
    },
  };
}
