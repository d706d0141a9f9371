import { takeLock } from '../../platform/lock.ts';
import { directorBosh } from '../director/index.ts';
import { environmentPaths } from '../paths.ts';
import { type EnvironmentRecord, requireRecord } from '../record.ts';
import { requireRunningVm } from '../session.ts';
import type { Caller, Step } from '../steps/step.ts';
import { forgetCf, readCfRecord } from './cf-record.ts';
import { requireLite } from './require-lite.ts';
import { runTask } from './run-task.ts';

/** A persistent disk that the director keeps for some days after its instance. */
export interface OrphanedDisk {
  readonly cid: string;
  readonly size: string;
  readonly instance: string;
}

/** Deletes the deployment, and gives its disks that the director keeps. Nothing deployed is success. */
export async function cfDown(environment: string, caller: Caller): Promise<OrphanedDisk[]> {
  const record = requireLite(await requireRecord(environment));
  await using _ = await takeLock(environmentPaths(environment).lock, 0, `boshvirt cf down ${environment}`);
  await requireRunningVm(record, caller.log);
  const context: { disks: OrphanedDisk[] } = { disks: [] };
  await caller.runSteps(await stepsOfCfDown(environment, record, caller), context);
  return context.disks;
}

/** From a deployment, or none, to none. */
export async function stepsOfCfDown(
  environment: string,
  record: EnvironmentRecord,
  caller: Caller,
): Promise<Step<{ disks: OrphanedDisk[] }>[]> {
  const deployment = (await readCfRecord(environment))?.deployment ?? 'cf';
  const bosh = await directorBosh(record, caller);
  return [
    {
      title: 'Delete the deployment',
      async run(_, say) {
        const words = ['delete-deployment', '-d', deployment];
        await runTask(bosh, words, { caller, environment, deployment, say });
        await forgetCf(environment);
      },
    },
    {
      title: 'Look for disks that the director keeps',
      async run(context) {
        const rows = await bosh.rows(['disks', '--orphaned']);
        context.disks = rows
          .filter((row) => row.deployment === deployment)
          .map((row) => ({
            cid: row.disk_cid ?? '',
            size: row.size ?? '',
            instance: row.instance ?? '',
          }));
      },
    },
  ];
}
