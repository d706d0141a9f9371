import { type Clause, defineSequence } from '../clause.ts';
import type { Trial } from '../trial.ts';

type Nothing = Readonly<Record<string, never>>;

const clauses: readonly Clause<Nothing>[] = [
  {
    id: 'leaves-nothing.deleted',
    title: 'What a CPI says that it has deleted is gone: no VM and no disk of this run is there',
    section: '8.1',
    async run(trial) {
      const rest = trial.world.ledger.remaining({ stemcells: false });
      trial.same(
        rest.map(({ kind, cid }) => `${kind} ${cid}`),
        [],
        'what could not be deleted',
        'wire',
      );
      for (const { kind, cid } of trial.world.ledger.everMade) {
        if (kind !== 'vm' && kind !== 'disk') continue;
        trial.same(await trial.call(`has_${kind}`, cid), false, `has_${kind} ${cid}`, 'wire');
      }
    },
  },
  {
    id: 'leaves-nothing.vms',
    title: 'The hypervisor has the VMs that it had before',
    section: '8.1',
    needs: ['hypervisor'],
    async run(trial) {
      trial.same(
        (await trial.hypervisor.vms()).sort(),
        sorted(trial.world.before?.vms),
        'the VMs',
        'hypervisor',
      );
    },
  },
  {
    id: 'leaves-nothing.storage',
    title: 'The storage holds what it held before',
    section: '8.1',
    needs: ['hypervisor'],
    async run(trial) {
      await deleteStemcells(trial);
      const left = (await trial.hypervisor.storage()).sort();
      trial.same(left, sorted(trial.world.before?.storage), 'the storage', 'hypervisor');
    },
  },
];

const sorted = (names: readonly string[] = []): string[] => [...names].sort();

async function deleteStemcells(trial: Trial): Promise<void> {
  for (const { cid } of trial.world.ledger.remaining({ stemcells: true }))
    await trial.call('delete_stemcell', cid);
}

export const end = defineSequence<Nothing>({
  id: 'end',
  title: 'At the end',
  caller: 'director',
  begin: () => ({}),
  clauses,
});
