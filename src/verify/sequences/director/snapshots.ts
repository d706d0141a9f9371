import type { Clause } from '../../clause.ts';
import { expectNote, noteOnStore } from '../../expectations.ts';
import { said, typeOf } from '../../trial.ts';
import type { DirectorState } from './state.ts';

const metadata = (state: DirectorState) => ({
  deployment: 'cf',
  job: 'web',
  index: '0',
  director_name: 'verify',
  director_uuid: '2f1c7c4e',
  agent_id: state.a.agentId,
  instance_id: '0d5b8b0e',
});

export const takingSnapshots: readonly Clause<DirectorState>[] = [
  {
    id: 'snapshots.take',
    title: 'snapshot_disk works while the VM runs, several times, and gives a CID of its own each time',
    section: '1.3',
    after: ['disks.store'],
    needs: ['guest'],
    async run(trial, state) {
      const { a, disk, notes } = state;
      const take = async () =>
        trial.cid('snapshot_disk', await trial.offered('snapshot_disk', disk.cid, metadata(state)));
      const first = await take();
      await trial.guest(a).write(noteOnStore, notes.join(' '));
      state.snapshots = [first, await take()];
      trial.same(new Set([...state.snapshots, disk.cid]).size, 3, 'the number of CIDs', 'wire');
      await expectNote(trial, trial.guest(a), noteOnStore, notes.join(' '));
    },
  },
  {
    id: 'snapshots.content',
    title: 'A snapshot holds what was on the disk when it was taken, and nothing later',
    section: '8.1',
    after: ['snapshots.take'],
    needs: ['hypervisor'],
    async run(trial, { snapshots: [first = '', second = ''], notes }) {
      const holds = async (snapshot: string) =>
        await Promise.all(notes.map(async (note) => await trial.hypervisor.holds(snapshot, note)));
      trial.same(await holds(first), [true, false], 'the notes in the first snapshot', 'hypervisor');
      trial.same(await holds(second), [true, true], 'the notes in the second snapshot', 'hypervisor');
    },
  },
];

export const outlivingSnapshots: readonly Clause<DirectorState>[] = [
  {
    id: 'snapshots.outlive',
    title: 'A snapshot outlives the VM that had the disk when it was taken',
    section: '1.3',
    after: ['snapshots.content', 'vms.delete-with-disk'],
    needs: ['hypervisor'],
    async run(trial, { snapshots: [first = ''], notes }) {
      trial.check(
        await trial.hypervisor.holds(first, notes[0]),
        `${notes[0]} in ${first}`,
        'nothing',
        'hypervisor',
      );
    },
  },
  {
    id: 'snapshots.delete',
    title: 'delete_snapshot takes a snapshot away; a second time works, or answers DiskNotFound',
    section: '1.4',
    after: ['snapshots.take'],
    async run(trial, { snapshots: [first = '', second = ''] }) {
      for (const snapshot of [first, second]) await trial.call('delete_snapshot', snapshot);
      const { error } = trial.answerOf(await trial.ask('delete_snapshot', [first]));
      if (error)
        trial.check(typeOf(error) === 'DiskNotFound', 'success or DiskNotFound', said(error), 'wire');
      const left = (await trial.scene.hypervisor?.storage())?.filter((name) => name.includes(first));
      if (left) trial.same(left, [], 'what is left of the snapshot', 'hypervisor');
    },
  },
];
