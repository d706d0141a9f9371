import { allEnded } from '../../../platform/all-ended.ts';
import type { Clause } from '../../clause.ts';
import { expectNoteWith, expectSeen, noteOnStore } from '../../expectations.ts';
import type { Trial } from '../../trial.ts';
import type { DirectorState } from './state.ts';

/** `bosh cloud-check`: b runs, a has crashed. */
export const cloudCheck: readonly Clause<DirectorState>[] = [
  {
    id: 'cloud-check.has',
    title: 'has_vm and has_disk answer true for what is there, for a VM that has crashed as well',
    section: '1.3',
    after: ['resize.ground'],
    needs: ['guest'],
    async run(trial, { a, b, disk }) {
      await trial.guest(a).powerOff();
      trial.check(await trial.guest(a).silent(), 'the guest to be off', 'it answers', 'guest');
      for (const { cid } of [a, b]) trial.same(await trial.call('has_vm', cid), true, 'has_vm', 'wire');
      trial.same(await trial.call('has_disk', disk.cid), true, 'has_disk', 'wire');
    },
  },
  {
    id: 'cloud-check.reboot',
    title: 'reboot_vm starts a VM that is off, and a running one anew; their disks and the data are there',
    section: '1.3',
    after: ['cloud-check.has', 'swap.attach'],
    needs: ['guest'],
    async run(trial, state) {
      await allEnded([startCrashed(trial, state), startAnew(trial, state)]);
    },
  },
];

async function startCrashed(trial: Trial, { a, growing }: DirectorState): Promise<void> {
  await trial.call('reboot_vm', a.cid);
  await trial.guest(a).awake();
  await expectSeen(trial, trial.guest(a), growing);
}

async function startAnew(trial: Trial, { b, disk, notes }: DirectorState): Promise<void> {
  const guest = trial.guest(b);
  const before = (await guest.facts()).boot;
  await trial.call('reboot_vm', b.cid);
  await guest.awake();
  trial.check((await guest.facts()).boot !== before, 'a new boot', 'the guest runs on', 'guest');
  trial.same(await guest.mounted(), [disk.cid], 'the mounted disks', 'guest');
  await expectNoteWith(trial, guest, noteOnStore, notes[0]);
}
