import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonValue } from '../../cpi/backend.ts';
import { allEnded } from '../../platform/all-ended.ts';
import { type Clause, defineSequence } from '../clause.ts';
import { isObject } from '../exchange.ts';
import { ClauseSkipped } from '../outcome.ts';
import { networksFor } from '../scene.ts';
import { stemcellAtHand } from '../stemcell-at-hand.ts';
import type { Trial } from '../trial.ts';

interface State {
  /** Of the image with other bytes. */
  other: string;
}

const clauses: readonly Clause<State>[] = [
  {
    id: 'stemcells.create',
    title: "create_stemcell takes the stemcell's image and gives a CID",
    section: '1.3',
    async run(trial) {
      await stemcellAtHand(trial);
    },
  },
  {
    id: 'stemcells.again',
    title: 'The same image can be uploaded again (bosh upload-stemcell --fix)',
    section: '3',
    after: ['stemcells.create'],
    async run(trial) {
      const { imagePath, cloudProperties } = trial.scene.stemcell;
      const again = await trial.made('create_stemcell', imagePath, cloudProperties);
      if (again !== (await stemcellAtHand(trial))) await trial.call('delete_stemcell', again);
    },
  },
  {
    id: 'stemcells.at-once',
    title: 'Two uploads of one image at the same time both work',
    section: '8.1',
    async run(trial, state) {
      const image = await otherImage(trial, 'at-once');
      const { cloudProperties } = trial.scene.stemcell;
      const both = await allEnded(
        [1, 2].map(async () => await trial.made('create_stemcell', image, cloudProperties)),
      );
      state.other = both[0] ?? '';
    },
  },
  {
    id: 'stemcells.delete',
    title: 'From a deleted stemcell no VM can be made',
    section: '1.3',
    after: ['stemcells.at-once'],
    async run(trial, state) {
      await trial.call('delete_stemcell', state.other);
      for (const { kind, cid } of trial.world.ledger.remaining({ stemcells: true }))
        if (kind === 'stemcell' && cid !== (await stemcellAtHand(trial)))
          await trial.call('delete_stemcell', cid);
      await refuseVm(trial, state.other);
    },
  },
  {
    id: 'stemcells.delete-again',
    title: 'Deleting a stemcell that is gone is no error',
    section: '1.4',
    after: ['stemcells.delete'],
    async run(trial, state) {
      await trial.call('delete_stemcell', state.other);
    },
  },
  {
    id: 'stemcells.damaged',
    title: 'A file that is no image is refused, and so is one that is not there',
    section: '3',
    async run(trial) {
      const path = join(trial.scene.folder, 'no-image');
      await writeFile(path, 'this is the image of no stemcell\n'.repeat(100));
      await trial.refused([], 'create_stemcell', path, trial.scene.stemcell.cloudProperties);
      await trial.refused([], 'create_stemcell', `${path}-at-all`, trial.scene.stemcell.cloudProperties);
    },
  },
  {
    id: 'stemcells.tags',
    title: 'With API version 3 create_stemcell takes tags',
    section: '1.2',
    after: ['stemcells.create'],
    async run(trial) {
      const info = await trial.call('info');
      const version = isObject(info) ? info.api_version : undefined;
      if (typeof version !== 'number' || version < 3)
        throw new ClauseSkipped(`info says API version ${JSON.stringify(version ?? null)}; tags came with 3`);
      const { imagePath, cloudProperties } = trial.scene.stemcell;
      const args: JsonValue[] = [imagePath, cloudProperties, { tags: { purpose: 'verify' } }];
      const { error, result } = trial.answerOf(await trial.ask('create_stemcell', args, 3));
      trial.check(error === undefined, 'create_stemcell to work', error?.message, 'wire');
      const cid = trial.cid('create_stemcell', result);
      if (cid !== (await stemcellAtHand(trial))) await trial.call('delete_stemcell', cid);
    },
  },
];

/** Other bytes with the same content; skips the clause if there can be none. */
export async function otherImage(trial: Trial, name: string): Promise<string> {
  const path = await trial.world.otherImage(name);
  if (path !== undefined) return path;
  throw new ClauseSkipped("the stemcell's image is not packed with gzip, so no second one can be made of it");
}

/** create_vm from this stemcell has to fail and must not be worth another try. */
export async function refuseVm(trial: Trial, stemcell: string): Promise<void> {
  const { networks, vmProperties, guests } = trial.scene;
  const before = await trial.scene.hypervisor?.vms();
  const request = [vmProperties, networksFor(networks.slice(0, 1), 0), [], guests?.env ?? {}] as const;
  const error = await trial.refused([], 'create_vm', 'agent-of-nobody', stemcell, ...request);
  trial.check(!error.ok_to_retry, 'ok_to_retry false: another try cannot help', 'true', 'wire');
  const after = await trial.scene.hypervisor?.vms();
  trial.same(after, before, 'the VMs after a create_vm that failed', 'hypervisor');
}

export const stemcells = defineSequence<State>({
  id: 'stemcells',
  title: 'Stemcells',
  caller: 'director',
  begin: () => ({ other: '' }),
  clauses,
});
