import { randomUUID } from 'node:crypto';
import type { JsonValue } from '../../cpi/backend.ts';
import { type Clause, defineSequence } from '../clause.ts';
import {
  expectAttached,
  expectAwake,
  expectGone,
  expectHint,
  expectNetworks,
  expectNics,
  expectNote,
  expectSeen,
  mountStore,
  noteOnStore,
} from '../expectations.ts';
import type { MadeVm, Trial } from '../trial.ts';

interface Disk {
  cid: string;
  hint: JsonValue;
  sizeMb: number;
}

/** What bosh's state file would say. */
interface State {
  stemcell: string;
  vm: MadeVm;
  boot: string;
  disk: Disk;
  /** What was written to the persistent disk. */
  readonly note: string;
}

/** This sequence's addresses: a machine that is made again keeps its own. */
const number = 0;

const clauses: readonly Clause<State>[] = [
  {
    id: 'create-env.create-vm',
    title: 'A first create-env: create_vm answers the CID and the networks as they were sent',
    section: '5.2',
    async run(trial, state) {
      state.stemcell = await importImage(trial, 'create-env-1');
      state.vm = await trial.createVm({ number, stemcell: state.stemcell });
      await setVmMetadata(trial, state.vm.cid);
      expectNetworks(trial, state.vm);
      trial.same(await trial.call('has_vm', state.vm.cid), true, 'has_vm', 'wire');
    },
  },
  {
    id: 'create-env.agent',
    title: "The VM's agent comes up with the settings of the request",
    section: '2.3',
    after: ['create-env.create-vm'],
    needs: ['guest'],
    async run(trial, state) {
      await expectAwake(trial, state.vm);
      state.boot = (await trial.guest(state.vm).facts()).boot;
    },
  },
  {
    id: 'create-env.network',
    title: 'The guest has the address and the default route that were asked for',
    section: '1.6',
    after: ['create-env.agent'],
    needs: ['guest'],
    run: async (trial, { vm }) => await expectNics(trial, vm),
  },
  {
    id: 'create-env.disk',
    title: 'create_disk makes a disk, attach_disk plugs it into the running VM and tells where it is',
    section: '5.2',
    after: ['create-env.create-vm'],
    async run(trial, state) {
      state.disk = await newDisk(trial, state.vm, trial.scene.diskMb);
      trial.same(await trial.call('has_disk', state.disk.cid), true, 'has_disk', 'wire');
      await expectAttached(trial, state.vm.cid, [state.disk.cid]);
    },
  },
  {
    id: 'create-env.mount',
    title: 'The agent finds the disk, in its size, and mounts it on /var/vcap/store',
    section: '2.5',
    after: ['create-env.agent', 'create-env.disk'],
    needs: ['guest'],
    async run(trial, { vm, disk, note }) {
      await expectSeen(trial, trial.guest(vm), disk);
      await mountStore(trial, trial.guest(vm), disk);
      await trial.guest(vm).write(noteOnStore, note);
    },
  },
  {
    id: 'create-env.no-op',
    title: 'Nothing changed, so bosh calls nothing: VM, disk and data stay as they are',
    section: '5.2',
    after: ['create-env.mount'],
    needs: ['guest'],
    async run(trial, { vm, disk, note, boot }) {
      trial.same(await trial.call('has_vm', vm.cid), true, 'has_vm', 'wire');
      const guest = trial.guest(vm);
      trial.same((await guest.facts()).boot, boot, 'the boot since which the guest runs', 'guest');
      trial.same(await guest.mounted(), [disk.cid], 'the mounted disks', 'guest');
      await expectNote(trial, guest, noteOnStore, note);
    },
  },
  {
    id: 'create-env.recreate-delete',
    title: 'For a new VM bosh deletes the old one without detaching its disk: the VM goes, the disk stays',
    section: '1.3',
    after: ['create-env.mount'],
    needs: ['guest'],
    async run(trial, { vm, disk }) {
      await trial.guest(vm).unmount(disk.cid);
      trial.same(await trial.call('has_vm', vm.cid), true, 'has_vm', 'wire');
      await trial.call('delete_vm', vm.cid);
      await expectGone(trial, vm);
      trial.same(await trial.call('has_disk', disk.cid), true, 'has_disk after delete_vm', 'wire');
    },
  },
  {
    id: 'create-env.stemcell-change',
    title: 'The new VM stands on another stemcell; the old stemcell can be deleted',
    section: '5.2',
    after: ['create-env.recreate-delete'],
    needs: ['guest'],
    async run(trial, state) {
      const old = state.stemcell;
      state.stemcell = await importImage(trial, 'create-env-2');
      await createAgain(trial, state);
      if (old !== state.stemcell) await trial.call('delete_stemcell', old);
      await expectAwake(trial, state.vm);
    },
  },
  {
    id: 'create-env.recreate-data',
    title: 'The new VM has the data of the old one on the disk',
    section: '5.2',
    after: ['create-env.stemcell-change'],
    needs: ['guest'],
    run: async (trial, state) => await expectData(trial, state),
  },
  {
    id: 'create-env.dead-agent',
    title:
      'With a dead agent nothing is unmounted: delete_vm works, and the disk has its data in the next VM',
    section: '1.3',
    after: ['create-env.recreate-data'],
    needs: ['guest'],
    async run(trial, state) {
      trial.same(await trial.call('has_vm', state.vm.cid), true, 'has_vm', 'wire');
      await trial.call('delete_vm', state.vm.cid);
      await expectGone(trial, state.vm);
      await createAgain(trial, state);
      await expectAwake(trial, state.vm);
      await expectData(trial, state);
    },
  },
  {
    id: 'create-env.bigger-disk',
    title: 'A bigger disk is attached beside the old one, the agent migrates, the old one goes',
    section: '5.2',
    after: ['create-env.dead-agent'],
    needs: ['guest'],
    async run(trial, state) {
      const { vm, disk: old, note } = state;
      const guest = trial.guest(vm);
      const disk = await newDisk(trial, vm, 2 * old.sizeMb);
      await expectAttached(trial, vm.cid, [old.cid, disk.cid]);
      await guest.mount(disk.cid, disk.hint);
      await guest.migrate(old.cid);
      await trial.call('detach_disk', vm.cid, old.cid);
      await trial.call('delete_disk', old.cid);
      state.disk = disk;
      trial.same(await guest.mounted(), [disk.cid], 'the mounted disks', 'guest');
      await expectNote(trial, guest, noteOnStore, note);
      const { storeMb = 0 } = await guest.facts();
      trial.check(storeMb > old.sizeMb, `more than ${old.sizeMb} MiB on /var/vcap/store`, storeMb, 'guest');
    },
  },
  {
    id: 'create-env.delete-env',
    title: 'delete-env deletes VM, disk and stemcell, and they are gone',
    section: '5.2',
    after: ['create-env.disk'],
    async run(trial, { vm, disk, stemcell }) {
      trial.same(await trial.call('has_vm', vm.cid), true, 'has_vm', 'wire');
      await trial.call('delete_vm', vm.cid);
      await trial.call('delete_disk', disk.cid);
      await trial.call('delete_stemcell', stemcell);
      await expectGone(trial, vm);
      trial.same(await trial.call('has_disk', disk.cid), false, 'has_disk', 'wire');
    },
  },
];

/** bosh never uploads the same stemcell twice; where no second image can be made, the same one has to do. */
async function importImage(trial: Trial, name: string): Promise<string> {
  const { imagePath, cloudProperties } = trial.scene.stemcell;
  const image = (await trial.world.otherImage(name)) ?? imagePath;
  return await trial.made('create_stemcell', image, cloudProperties);
}

async function createAgain(trial: Trial, state: State): Promise<void> {
  const { stemcell, disk } = state;
  state.vm = await trial.createVm({ number, stemcell, disks: [disk.cid] });
  await setVmMetadata(trial, state.vm.cid);
}

async function expectData(trial: Trial, state: State): Promise<void> {
  const { vm, disk, note } = state;
  disk.hint = await trial.call('attach_disk', vm.cid, disk.cid);
  await setDiskMetadata(trial, disk.cid);
  await mountStore(trial, trial.guest(vm), disk);
  await expectNote(trial, trial.guest(vm), noteOnStore, note);
}

async function newDisk(trial: Trial, vm: MadeVm, sizeMb: number): Promise<Disk> {
  const cid = await trial.made('create_disk', sizeMb, trial.scene.diskProperties, vm.cid);
  const hint = await trial.call('attach_disk', vm.cid, cid);
  expectHint(trial, hint);
  await setDiskMetadata(trial, cid);
  return { cid, hint, sizeMb };
}

async function setVmMetadata(trial: Trial, vm: string): Promise<void> {
  const job = {
    deployment: 'verify',
    job: 'machine',
    instance_group: 'machine',
    index: '0',
    director: 'bosh-init',
  };
  await trial.tolerated('set_vm_metadata', vm, {
    ...job,
    name: 'machine/0',
    created_at: new Date().toISOString(),
  });
}

async function setDiskMetadata(trial: Trial, disk: string): Promise<void> {
  const job = { deployment: 'verify', instance_group: 'machine', instance_index: '0', director: 'bosh-init' };
  await trial.tolerated('set_disk_metadata', disk, { ...job, attached_at: new Date().toISOString() });
}

const nothing: MadeVm = { cid: '', agentId: '', address: '', sent: {}, networks: {} };

/** `bosh create-env` and `delete-env`, call by call as a real bosh makes them. */
export const createEnv = defineSequence<State>({
  id: 'create-env',
  title: 'create-env and delete-env, by bosh’s command line',
  caller: 'cli',
  begin: () => ({
    stemcell: '',
    vm: nothing,
    boot: '',
    disk: { cid: '', hint: null, sizeMb: 0 },
    note: `verify-${randomUUID()}`,
  }),
  clauses,
});
