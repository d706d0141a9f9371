import type { JsonValue } from '../../cpi/backend.ts';
import { type Clause, defineSequence } from '../clause.ts';
import { ClauseSkipped } from '../outcome.ts';
import { isUnsupported, said, type Trial, typeOf } from '../trial.ts';
import { refuseVm } from './stemcells.ts';

interface State {
  disk: string;
}

/** CIDs of the usual length that nobody has given out. */
const vm = 'vm-00000000000000000';
const disk = 'disk-000000000000000';
const snapshot = 'snap-000000000000000';
/** 2^30 MiB, a pebibyte: no storage has as much. */
const hugeMb = 2 ** 30;

const clauses: readonly Clause<State>[] = [
  {
    id: 'unknown.has',
    title: 'has_vm and has_disk answer false for what nobody has made',
    section: '1.3',
    async run(trial) {
      trial.same(await trial.call('has_vm', vm), false, 'has_vm', 'wire');
      trial.same(await trial.call('has_disk', disk), false, 'has_disk', 'wire');
    },
  },
  {
    id: 'unknown.delete',
    title: 'Deleting what is not there works, or answers the type that bosh forgives',
    section: '1.4',
    async run(trial) {
      await forgiven(trial, ['VMNotFound'], 'delete_vm', vm);
      await forgiven(trial, ['DiskNotFound'], 'delete_disk', disk);
      await forgiven(trial, ['DiskNotFound'], 'delete_snapshot', snapshot);
    },
  },
  {
    id: 'unknown.vm',
    title: 'Calls for a VM that is not there answer VMNotFound',
    section: '1.4',
    async run(trial, state) {
      state.disk = await trial.made('create_disk', trial.scene.diskMb, trial.scene.diskProperties, null);
      await notFound(trial, 'VMNotFound', [
        ['reboot_vm', vm],
        ['set_vm_metadata', vm, { job: 'none' }],
        ['get_disks', vm],
        ['attach_disk', vm, state.disk],
        ['detach_disk', vm, state.disk],
      ]);
    },
  },
  {
    id: 'unknown.disk',
    title: 'Calls for a disk that is not there answer DiskNotFound',
    section: '1.4',
    async run(trial) {
      const { diskMb } = trial.scene;
      await notFound(trial, 'DiskNotFound', [
        ['set_disk_metadata', disk, { deployment: 'none' }],
        ['resize_disk', disk, diskMb],
        ['update_disk', disk, diskMb, {}],
        ['snapshot_disk', disk, {}],
      ]);
    },
  },
  {
    id: 'unknown.stemcell',
    title: 'create_vm without its stemcell fails, is not to be tried again and leaves nothing',
    section: '1.3',
    run: async (trial) => await refuseVm(trial, 'sc-00000000000000000'),
  },
  {
    id: 'unknown.space',
    title: 'A disk for which there is no room is NoDiskSpace',
    section: '1.4',
    run: async (trial) => await (trial.scene.cramped ? refuseCramped(trial) : refuseHuge(trial)),
  },
];

/** On a storage without room. */
async function refuseCramped(trial: Trial): Promise<void> {
  const { diskMb, diskProperties, cramped } = trial.scene;
  const error = await trial.refusedBy(cramped, 'create_disk', diskMb, diskProperties, null);
  trial.check(typeOf(error) === 'NoDiskSpace', 'NoDiskSpace', said(error), 'wire');
}

/** On a storage of which nothing is known: it may allot its space late, or have other limits that are met first. */
async function refuseHuge(trial: Trial): Promise<void> {
  const { error, result } = trial.answerOf(
    await trial.ask('create_disk', [hugeMb, trial.scene.diskProperties, null]),
  );
  if (error && typeOf(error) === 'NoDiskSpace') return;
  if (error) throw new ClauseSkipped(`a disk of a pebibyte meets another limit first: ${said(error)}`);
  await trial.call('delete_disk', trial.cid('create_disk', result));
  throw new ClauseSkipped('the CPI makes disks larger than its storage: it allots space when it is used');
}

async function forgiven(
  trial: Trial,
  types: readonly string[],
  method: string,
  ...args: JsonValue[]
): Promise<void> {
  const { error } = trial.answerOf(await trial.ask(method, args));
  if (!error || isUnsupported(error)) return;
  const expected = `${method} to work or to answer ${types.join(' or ')}`;
  trial.check(types.includes(typeOf(error)), expected, said(error), 'wire');
}

/** Each of these calls that the CPI has answers an error of this type; without any of them the clause is skipped. */
async function notFound(
  trial: Trial,
  type: string,
  calls: readonly (readonly [method: string, ...JsonValue[]])[],
): Promise<void> {
  const lacking: string[] = [];
  for (const [method, ...args] of calls) {
    const { error, result } = trial.answerOf(await trial.ask(method, args));
    if (error && isUnsupported(error)) {
      lacking.push(method);
      continue;
    }
    const seen = error ? said(error) : `the result ${JSON.stringify(result)}`;
    trial.check(error !== undefined && typeOf(error) === type, `${method} to answer ${type}`, seen, 'wire');
  }
  if (lacking.length === calls.length) throw new ClauseSkipped(`the CPI has none of ${lacking.join(', ')}`);
}

export const unknown = defineSequence<State>({
  id: 'unknown',
  title: 'What is not there, and what cannot be',
  caller: 'director',
  begin: () => ({ disk: '' }),
  clauses,
});
