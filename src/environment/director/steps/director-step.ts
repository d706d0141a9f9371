import type { Step } from '../../steps/step.ts';
import { required, type UpJob, type UpWork } from '../../up-job.ts';
import { directorBosh } from '../director-bosh.ts';
import { waitForDirector } from '../wait-for-director.ts';
import { waitForLogin } from '../wait-for-login.ts';

export function directorStep({ caller }: UpJob): Step<UpWork> {
  return {
    title: 'Wait for the director',
    async run(work, say) {
      const record = required(work.record);
      const { name, version } = await waitForDirector(record, caller, say);
      say(`${name}, version ${version}`);
      await waitForLogin(await directorBosh(record, caller), caller, say);
    },
  };
}
