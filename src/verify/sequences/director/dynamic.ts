import { allEnded } from '../../../platform/all-ended.ts';
import type { Clause } from '../../clause.ts';
import { expectAttached, expectSeen, expectUnseen } from '../../expectations.ts';
import type { MadeVm, Trial } from '../../trial.ts';
import { attach, createDisk, type DirectorState, type Disk } from './state.ts';

/** How many go to each of the two VMs, b's first. */
const perVm = 3;

/** Disks that jobs ask for while they run: any number of them, besides the persistent one (contract 1.3). */
export const dynamicDisks: readonly Clause<DirectorState>[] = [
  {
    id: 'dynamic.attach',
    title: 'Many disks can be attached, to two VMs at the same time, and each guest sees its own',
    section: '8.1',
    after: ['swap.attach'],
    needs: ['guest'],
    async run(trial, state) {
      const { a, b, disk } = state;
      state.dynamic = await allEnded(
        Array.from({ length: 2 * perVm }, (_, at) => createDisk(trial, (at + 1) * trial.scene.diskMb, b)),
      );
      const { ofA, ofB } = shares(state);
      await allEnded([attachAll(trial, b, ofB), attachAll(trial, a, ofA)]);
      await expectAttached(
        trial,
        b.cid,
        [disk, ...ofB].map(({ cid }) => cid),
      );
      await expectAttached(
        trial,
        a.cid,
        ofA.map(({ cid }) => cid),
      );
      for (const each of ofB) await expectSeen(trial, trial.guest(b), each);
      for (const each of ofA) await expectSeen(trial, trial.guest(a), each);
    },
  },
  {
    id: 'dynamic.any-order',
    title: 'They can be detached in any order, one VM attaching while the other detaches; the others stay',
    section: '8.1',
    after: ['dynamic.attach'],
    needs: ['guest'],
    async run(trial, state) {
      const { a, b, disk } = state;
      const { ofA, ofB } = shares(state);
      const [middle, ...ends] = [ofB[1], ofB[0], ofB[2]] as [Disk, Disk, Disk];
      await trial.call('detach_disk', b.cid, middle.cid);
      await allEnded([detachAll(trial, b, ends), attach(trial, a, middle)]);
      await expectAttached(trial, b.cid, [disk.cid]);
      await expectAttached(
        trial,
        a.cid,
        [...ofA, middle].map(({ cid }) => cid),
      );
      for (const each of ends) await expectUnseen(trial, trial.guest(b), each);
      for (const each of [...ofA, middle]) await expectSeen(trial, trial.guest(a), each);
      await expectSeen(trial, trial.guest(b), disk);
      await detachAll(trial, a, [middle, ...ofA]);
    },
  },
  {
    id: 'dynamic.delete',
    title: 'Deleted disks are gone; deleting one a second time works, or answers DiskNotFound',
    section: '1.4',
    after: ['dynamic.any-order'],
    async run(trial, { dynamic }) {
      await allEnded(dynamic.map(async ({ cid }) => await trial.call('delete_disk', cid)));
      for (const { cid } of dynamic) trial.same(await trial.call('has_disk', cid), false, 'has_disk', 'wire');
      const [first] = dynamic;
      const { error } = trial.answerOf(await trial.ask('delete_disk', [first?.cid ?? '']));
      const forgiven = error === undefined || error.type.endsWith('DiskNotFound');
      trial.check(forgiven, 'success or DiskNotFound', error?.message, 'wire');
      const names = (await trial.scene.hypervisor?.storage()) ?? [];
      const left = names.filter((name) => dynamic.some(({ cid }) => name.includes(cid)));
      trial.same(left, [], 'what is left of the disks', 'hypervisor');
    },
  },
];

const shares = ({ dynamic }: DirectorState) => ({ ofB: dynamic.slice(0, perVm), ofA: dynamic.slice(perVm) });

/** One after the other: the director does nothing to a VM while it does something else to it. */
async function attachAll(trial: Trial, vm: MadeVm, disks: readonly Disk[]): Promise<void> {
  for (const disk of disks) await attach(trial, vm, disk);
}

async function detachAll(trial: Trial, vm: MadeVm, disks: readonly Disk[]): Promise<void> {
  for (const { cid } of disks) await trial.call('detach_disk', vm.cid, cid);
}
