import type { JsonValue } from '../../cpi/backend.ts';
import { type Clause, defineSequence } from '../clause.ts';
import { isObject } from '../exchange.ts';
import { isUnknownMethod, said, type Trial } from '../trial.ts';

type Nothing = Readonly<Record<string, never>>;
const unknownVm = 'vm-00000000000000000';

const clauses: readonly Clause<Nothing>[] = [
  {
    id: 'calls.info',
    title: 'info tells the stemcell formats and an API version of at least 2',
    section: '1.3',
    async run(trial) {
      checkInfo(trial, await trial.call('info'));
    },
  },
  {
    id: 'calls.info-anywhere',
    title: "info answers the same in bosh's and the director's surroundings, with a bare context",
    section: '1.1',
    async run(trial) {
      const answers = [
        await trial.world.ask('cli', 'info', []),
        await trial.world.ask('director', 'info', []),
        await trial.world.askText('director', '{"method":"info","arguments":[],"context":{}}', 'info', []),
      ];
      trial.calls.push(...answers);
      const [first, ...others] = answers.map((exchange) => trial.answerOf(exchange));
      for (const { error, result } of others)
        trial.same(error ? said(error) : result, first?.result, 'the answer', 'wire');
    },
  },
  {
    id: 'calls.info-formats',
    title: 'info names a format of the stemcell: a director would not upload it otherwise',
    section: '1.3',
    after: ['calls.info'],
    async run(trial) {
      const known = formatsIn(await trial.call('info'));
      const { formats } = trial.scene.stemcell;
      trial.check(
        formats.some((format) => known.includes(format)),
        `one of ${formats.join(', ')}`,
        known,
        'wire',
      );
    },
  },
  {
    id: 'calls.unknown-method',
    title: 'A method that nobody knows answers NotImplemented',
    section: '1.4',
    async run(trial) {
      const error = await trial.refused([], 'no_such_method');
      trial.check(isUnknownMethod(error), 'NotImplemented', said(error), 'wire');
    },
  },
  {
    id: 'calls.garbage',
    title: 'A request that is no JSON gets an error for an answer',
    section: '1.4',
    async run(trial) {
      for (const text of ['this is no JSON', '', '[]', '{"arguments":[]}']) {
        const exchange = await trial.world.askText('director', text, text || '(empty request)', []);
        trial.calls.push(exchange);
        const { error, result } = trial.answerOf(exchange);
        trial.check(error !== undefined, 'an error', `the result ${JSON.stringify(result)}`, 'wire');
      }
    },
  },
  {
    id: 'calls.arguments',
    title: 'A call without its arguments gets an error for an answer',
    section: '1.1',
    async run(trial) {
      for (const method of ['has_vm', 'create_vm', 'attach_disk']) await trial.refused([], method);
    },
  },
  {
    id: 'calls.hypervisor-down',
    title: 'Without its hypervisor info answers as ever, and other calls say what is wrong',
    section: '8.1',
    needs: ['cut-off'],
    async run(trial) {
      const { cutOff } = trial.scene;
      const request = '{"method":"info","arguments":[],"context":{},"api_version":1}';
      const exchange = await trial.world.askText('director', request, 'info', [], cutOff);
      trial.calls.push(exchange);
      checkInfo(trial, trial.answerOf(exchange).result);
      const error = await trial.refusedBy(cutOff, 'has_vm', unknownVm);
      const expected =
        'has_vm to answer an error other than NotImplemented, which a director takes for an old CPI';
      trial.check(!isUnknownMethod(error), expected, said(error), 'wire');
    },
  },
];

function checkInfo(trial: Trial, result: JsonValue): void {
  const formats = formatsIn(result);
  trial.check(formats.length > 0, 'stemcell_formats, a list of names', result, 'wire');
  const version = isObject(result) ? result.api_version : undefined;
  trial.check(typeof version === 'number' && version >= 2, 'api_version 2 or more', result, 'wire');
}

const formatsIn = (result: JsonValue): readonly JsonValue[] => {
  const formats = isObject(result) ? result.stemcell_formats : undefined;
  return Array.isArray(formats) && formats.every((format) => typeof format === 'string') ? formats : [];
};

/** What can be asked before anything is made. */
export const calls = defineSequence<Nothing>({
  id: 'calls',
  title: 'Calls that need nothing',
  caller: 'director',
  begin: () => ({}),
  clauses,
});
