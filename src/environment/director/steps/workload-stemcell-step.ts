import { writeRecord } from '../../record.ts';
import type { Step } from '../../steps/step.ts';
import { required, type UpJob, type UpWork } from '../../up-job.ts';
import { directorBosh } from '../director-bosh.ts';
import { directorInputs } from '../director-inputs.ts';
import { giveStemcell } from '../give-stemcell.ts';

/** The last step: a record that says what the director was given is one of an environment that has all of it. */
export function workloadStemcellStep({ caller }: UpJob): Step<UpWork> {
  return {
    title: 'Upload the stemcell of deployments',
    async run(work, say) {
      const record = required(work.record);
      await giveStemcell(await directorBosh(record, caller), work.fetched ?? [], say);
      const inputs = await directorInputs(record);
      work.record = { ...record, ...(inputs === undefined ? {} : { directorInputs: inputs }) };
      await writeRecord(work.record);
    },
  };
}
