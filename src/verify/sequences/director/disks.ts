import type { Clause } from '../../clause.ts';
import {
  expectAttached,
  expectDisks,
  expectNote,
  expectNoteWith,
  expectSeen,
  expectStored,
  expectUnseen,
  mountStore,
  noteOnStore,
} from '../../expectations.ts';
import { attach, createDisk, type DirectorState } from './state.ts';

const unknownDisk = 'disk-000000000000000';
const marker = 'verify-disk-tag-91c2';

export const attachingDisks: readonly Clause<DirectorState>[] = [
  {
    id: 'disks.attach',
    title: 'A disk attached to a running VM is a device of its size in the guest',
    section: '8.1',
    after: ['vms.awake'],
    needs: ['guest'],
    async run(trial, state) {
      state.disk = await createDisk(trial, trial.scene.diskMb, state.a);
      await expectStored(trial, state.disk.cid);
      await attach(trial, state.a, state.disk);
      await expectAttached(trial, state.a.cid, [state.disk.cid]);
      await expectSeen(trial, trial.guest(state.a), state.disk);
    },
  },
  {
    id: 'disks.store',
    title: 'The agent mounts it, and it can be written to',
    section: '2.5',
    after: ['disks.attach'],
    needs: ['guest'],
    async run(trial, { a, disk, notes }) {
      await mountStore(trial, trial.guest(a), disk);
      await trial.guest(a).write(noteOnStore, notes[0]);
    },
  },
  {
    id: 'disks.attach-again',
    title: 'Attaching it again changes nothing: the same hint, the guest runs on, the disk stays mounted',
    section: '8.1',
    after: ['disks.store'],
    needs: ['guest'],
    async run(trial, { a, disk, notes }) {
      const { boot } = await trial.guest(a).facts();
      trial.same(await trial.call('attach_disk', a.cid, disk.cid), disk.hint, 'the hint', 'wire');
      trial.same((await trial.guest(a).facts()).boot, boot, 'the boot since which the guest runs', 'guest');
      await expectNote(trial, trial.guest(a), noteOnStore, notes[0]);
    },
  },
  {
    id: 'disks.list',
    title: 'get_disks lists the persistent disks of a VM, and nothing else',
    section: '1.3',
    after: ['disks.attach'],
    async run(trial, { a, b, disk }) {
      await expectDisks(trial, a.cid, [disk.cid]);
      await expectDisks(trial, b.cid, []);
    },
  },
  {
    id: 'disks.elsewhere',
    title: 'A disk that a VM has cannot be attached to another VM',
    section: '4.8',
    after: ['disks.attach'],
    async run(trial, { a, b, disk }) {
      await trial.refused([], 'attach_disk', b.cid, disk.cid);
      await expectAttached(trial, a.cid, [disk.cid]);
      await expectAttached(trial, b.cid, []);
    },
  },
  {
    id: 'disks.delete-attached',
    title: 'A disk that a VM has cannot be deleted',
    section: '4.8',
    after: ['disks.store'],
    needs: ['guest'],
    async run(trial, { a, disk, notes }) {
      await trial.refused([], 'delete_disk', disk.cid);
      trial.same(await trial.call('has_disk', disk.cid), true, 'has_disk', 'wire');
      await expectNote(trial, trial.guest(a), noteOnStore, notes[0]);
    },
  },
  {
    id: 'disks.metadata',
    title: 'set_disk_metadata takes what a director sends',
    section: '1.7',
    after: ['disks.attach'],
    async run(trial, { disk }) {
      const job = { director: 'verify', deployment: 'cf', instance_id: '0d5b8b0e', instance_index: '0' };
      const metadata = { ...job, instance_group: 'web', attached_at: '2026-11-25T16:00:00Z', tag: marker };
      await trial.offered('set_disk_metadata', disk.cid, metadata);
    },
  },
  {
    id: 'disks.metadata-kept',
    title: "The storage has the disk's metadata",
    section: '1.7',
    after: ['disks.metadata'],
    needs: ['hypervisor'],
    async run(trial, { disk }) {
      const kept = await trial.hypervisor.holds(disk.cid, marker);
      trial.check(kept, `${marker} beside ${disk.cid}`, 'nothing of it', 'hypervisor');
    },
  },
];

export const swappingDisks: readonly Clause<DirectorState>[] = [
  {
    id: 'swap.detach',
    title:
      'create-swap-delete: the disk is detached from the old VM while that runs, and the guest sees it go',
    section: '1.3',
    after: ['disks.store'],
    needs: ['guest'],
    async run(trial, { a, disk }) {
      const { boot } = await trial.guest(a).facts();
      await trial.guest(a).unmount(disk.cid);
      await trial.call('detach_disk', a.cid, disk.cid);
      await expectAttached(trial, a.cid, []);
      await expectUnseen(trial, trial.guest(a), disk);
      trial.same((await trial.guest(a).facts()).boot, boot, 'the boot since which the guest runs', 'guest');
    },
  },
  {
    id: 'swap.detach-again',
    title: 'Detaching it again answers DiskNotAttached',
    section: '1.4',
    after: ['swap.detach'],
    async run(trial, { a, disk }) {
      await trial.refused(['DiskNotAttached'], 'detach_disk', a.cid, disk.cid);
    },
  },
  {
    id: 'swap.attach',
    title: 'create-swap-delete: attached to the new VM while that runs, the disk has its data',
    section: '1.3',
    after: ['swap.detach'],
    needs: ['guest'],
    async run(trial, { b, disk, notes }) {
      const { boot } = await trial.guest(b).facts();
      await attach(trial, b, disk);
      await expectAttached(trial, b.cid, [disk.cid]);
      await mountStore(trial, trial.guest(b), disk);
      await expectNoteWith(trial, trial.guest(b), noteOnStore, notes[0]);
      trial.same((await trial.guest(b).facts()).boot, boot, 'the boot since which the guest runs', 'guest');
    },
  },
  {
    id: 'disks.unknown',
    title: 'Attaching a disk that is not there answers DiskNotFound, and the VM runs on',
    section: '1.4',
    after: ['vms.awake'],
    needs: ['guest'],
    async run(trial, { a }) {
      const { boot } = await trial.guest(a).facts();
      await trial.refused(['DiskNotFound'], 'attach_disk', a.cid, unknownDisk);
      await trial.refused(['DiskNotFound', 'DiskNotAttached'], 'detach_disk', a.cid, unknownDisk);
      trial.same((await trial.guest(a).facts()).boot, boot, 'the boot since which the guest runs', 'guest');
    },
  },
];
