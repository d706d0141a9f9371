import type { Clause } from '../../clause.ts';
import { expectNote, expectSeen, noteOnStore } from '../../expectations.ts';
import type { MadeVm, Trial } from '../../trial.ts';
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
    id: 'cloud-check.reboot-off',
    title: 'reboot_vm starts a VM that is off, with its disk',
    section: '1.3',
    after: ['cloud-check.has'],
    needs: ['guest'],
    async run(trial, { a, growing }) {
      await trial.call('reboot_vm', a.cid);
      await trial.guest(a).awake();
      await expectSeen(trial, trial.guest(a), growing);
    },
  },
  {
    id: 'cloud-check.reboot',
    title: 'reboot_vm starts a running VM anew; its disk is mounted again, with the data',
    section: '1.3',
    after: ['swap.attach'],
    needs: ['guest'],
    async run(trial, { b, disk, notes }) {
      const before = await bootOf(trial, b);
      await trial.call('reboot_vm', b.cid);
      await trial.guest(b).awake();
      trial.check((await bootOf(trial, b)) !== before, 'a new boot', 'the guest runs on', 'guest');
      trial.same(await trial.guest(b).mounted(), [disk.cid], 'the mounted disks', 'guest');
      const note = await trial.guest(b).read(noteOnStore);
      await expectNote(trial, trial.guest(b), noteOnStore, note?.includes(notes[0]) ? note : notes[0]);
    },
  },
];

const bootOf = async (trial: Trial, vm: MadeVm): Promise<string> => (await trial.guest(vm).facts()).boot;
