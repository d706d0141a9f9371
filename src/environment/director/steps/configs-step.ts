import type { Step } from '../../steps/step.ts';
import { required, type UpJob, type UpWork } from '../../up-job.ts';
import { directorBosh } from '../director-bosh.ts';
import { giveConfigs } from '../give-configs.ts';

export function configsStep({ caller }: UpJob): Step<UpWork> {
  return {
    title: 'Give the director its configs',
    async run(work, say) {
      const record = required(work.record);
      await giveConfigs(await directorBosh(record, caller), work.fetched ?? [], caller, say);
    },
  };
}
