import { allEnded } from '../../platform/all-ended.ts';
import { type Clause, defineSequence } from '../clause.ts';
import { networksFor } from '../scene.ts';
import { stemcellAtHand } from '../stemcell-at-hand.ts';
import type { MadeVm, Trial } from '../trial.ts';

interface State {
  vms: MadeVm[];
}

const many = 8;
/** How many are deleted while as many others are made. */
const half = 2;
/** This sequence's addresses; the last ones are for those that are made later. */
const firstNumber = 4;

const clauses: readonly Clause<State>[] = [
  {
    id: 'at-once.create',
    title: `${many} VMs made at the same time are ${many} VMs (compilation workers)`,
    section: '8.1',
    async run(trial, state) {
      const stemcell = await stemcellAtHand(trial);
      state.vms = await allEnded(
        Array.from({ length: many }, (_, at) => make(trial, stemcell, firstNumber + at)),
      );
      const cids = state.vms.map(({ cid }) => cid);
      trial.same(new Set(cids).size, many, 'the number of CIDs', 'wire');
      for (const cid of cids) trial.same(await trial.call('has_vm', cid), true, 'has_vm', 'wire');
    },
  },
  {
    id: 'at-once.apart',
    title: 'Each of them runs, and none shares what it may write to with another one',
    section: '8.1',
    after: ['at-once.create'],
    needs: ['hypervisor'],
    async run(trial, { vms }) {
      const images = await allEnded(
        vms.map(async ({ cid }) => {
          trial.same(await trial.hypervisor.state(cid), 'running', `the state of ${cid}`, 'hypervisor');
          const own = await trial.hypervisor.writableImages(cid);
          trial.check(own.length > 0, `images of ${cid}`, own, 'hypervisor');
          return own;
        }),
      );
      const all = images.flat();
      trial.same(new Set(all).size, all.length, 'the number of different images', 'hypervisor');
    },
  },
  {
    id: 'at-once.delete-while-creating',
    title: 'VMs can be deleted while others are made, from the same stemcell',
    section: '8.1',
    after: ['at-once.create'],
    async run(trial, state) {
      const stemcell = await stemcellAtHand(trial);
      const [going, staying] = [state.vms.slice(0, half), state.vms.slice(half)];
      const made = allEnded(
        Array.from({ length: half }, (_, at) => make(trial, stemcell, firstNumber + many + at)),
      );
      const deleted = allEnded(going.map(async ({ cid }) => await trial.call('delete_vm', cid)));
      const [others] = await allEnded([made, deleted]);
      state.vms = [...staying, ...others];
      for (const { cid } of going) trial.same(await trial.call('has_vm', cid), false, 'has_vm', 'wire');
      for (const { cid } of state.vms) trial.same(await trial.call('has_vm', cid), true, 'has_vm', 'wire');
    },
  },
  {
    id: 'at-once.delete',
    title: 'All of them can be deleted at the same time',
    section: '8.1',
    after: ['at-once.delete-while-creating'],
    async run(trial, { vms }) {
      await allEnded(vms.map(async ({ cid }) => await trial.call('delete_vm', cid)));
      for (const { cid } of vms) trial.same(await trial.call('has_vm', cid), false, 'has_vm', 'wire');
      const left = (await trial.scene.hypervisor?.vms())?.filter((vm) => vms.some(({ cid }) => cid === vm));
      trial.same(left ?? [], [], 'what is left of them', 'hypervisor');
    },
  },
];

async function make(trial: Trial, stemcell: string, number: number): Promise<MadeVm> {
  const networks = networksFor(trial.scene.networks.slice(0, 1), number);
  return await trial.createVm({ number, stemcell, networks });
}

/** Director workers call the CPI in many processes at the same time (contract 1.3). */
export const atOnce = defineSequence<State>({
  id: 'at-once',
  title: 'Many calls at the same time',
  caller: 'director',
  begin: () => ({ vms: [] }),
  clauses,
});
