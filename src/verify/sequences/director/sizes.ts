import type { Clause } from '../../clause.ts';
import { expectNote, expectSeen, mountStore, noteOnStore } from '../../expectations.ts';
import { ClauseSkipped } from '../../outcome.ts';
import { said, type Trial } from '../../trial.ts';
import { attach, createDisk, type DirectorState } from './state.ts';

const note = 'verify-of-the-growing-disk';

/** All on VM a, whose first disk has moved to b by now. */
export const changingSizes: readonly Clause<DirectorState>[] = [
  {
    id: 'resize.ground',
    title: 'A second disk takes the place of the one that has moved',
    section: '2.5',
    after: ['swap.detach'],
    needs: ['guest'],
    async run(trial, state) {
      state.growing = await createDisk(trial, trial.scene.diskMb, state.a);
      await attach(trial, state.a, state.growing);
      await mountStore(trial, trial.guest(state.a), state.growing);
      await trial.guest(state.a).write(noteOnStore, note);
    },
  },
  {
    id: 'resize.grow',
    title: 'resize_disk of a detached disk: attached again the guest sees the new size, with the data',
    section: '8.1',
    after: ['resize.ground'],
    needs: ['guest'],
    async run(trial, state) {
      const { growing } = state;
      const sizeMb = growing.sizeMb + trial.scene.diskMb;
      await whileDetached(trial, state, async () => {
        await trial.offered('resize_disk', growing.cid, sizeMb);
        growing.sizeMb = sizeMb;
      });
      await expectKept(trial, state);
    },
  },
  {
    id: 'resize.shrink',
    title: 'A disk cannot be made smaller: NotSupported, and it keeps its size',
    section: '8.1',
    after: ['resize.grow'],
    needs: ['guest'],
    async run(trial, state) {
      const { cid } = state.growing;
      await whileDetached(trial, state, async () => {
        await trial.refused(['NotSupported'], 'resize_disk', cid, trial.scene.diskMb);
      });
      await expectKept(trial, state);
    },
  },
  {
    id: 'resize.attached',
    title: 'resize_disk of a disk that a running VM has is refused, or the guest sees the new size',
    section: '4.8',
    after: ['resize.grow'],
    needs: ['guest'],
    async run(trial, { a, growing }) {
      const sizeMb = growing.sizeMb + trial.scene.diskMb;
      const { error } = trial.answerOf(await trial.ask('resize_disk', [growing.cid, sizeMb]));
      if (!error) growing.sizeMb = sizeMb;
      await expectSeen(trial, trial.guest(a), growing);
      await expectNote(trial, trial.guest(a), noteOnStore, note);
      if (error) throw new ClauseSkipped(`the CPI resizes detached disks only: ${said(error)}`);
    },
  },
  {
    id: 'update.disk',
    title: 'update_disk gives a disk of the new size with the data, under a new CID or its own',
    section: '1.3',
    after: ['resize.ground'],
    needs: ['guest'],
    async run(trial, state) {
      const { growing } = state;
      const sizeMb = growing.sizeMb + trial.scene.diskMb;
      const { diskProperties } = trial.scene;
      await whileDetached(trial, state, async () => {
        const answer = await trial.offered('update_disk', growing.cid, sizeMb, diskProperties);
        if (answer !== null) growing.cid = trial.cid('update_disk', answer);
        growing.sizeMb = sizeMb;
      });
      await expectKept(trial, state);
    },
  },
];

/** Afterwards the disk is on its VM again and mounted, whether the call worked or not. */
async function whileDetached(
  trial: Trial,
  { a, growing }: DirectorState,
  act: () => Promise<void>,
): Promise<void> {
  await trial.guest(a).unmount(growing.cid);
  await trial.call('detach_disk', a.cid, growing.cid);
  try {
    await act();
  } finally {
    await attach(trial, a, growing);
    await trial.guest(a).mount(growing.cid, growing.hint);
  }
}

/** Seen in its size, with its data. */
async function expectKept(trial: Trial, { a, growing }: DirectorState): Promise<void> {
  await expectSeen(trial, trial.guest(a), growing);
  await expectNote(trial, trial.guest(a), noteOnStore, note);
}
