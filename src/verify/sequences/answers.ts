import { type Clause, defineSequence } from '../clause.ts';
import type { WireRule } from '../exchange.ts';
import { isUnknownMethod, type Trial, typeOf } from '../trial.ts';

type Nothing = Readonly<Record<string, never>>;

/** Types that the director or bosh's command line know; of all others they make an unknown error (contract 1.4). */
const knownErrors = new Set([
  'CpiError',
  'NotSupported',
  'NotImplemented',
  'CloudError',
  'VMNotFound',
  'NetworkNotFound',
  'StemcellNotFound',
  'NoDiskSpace',
  'DiskNotAttached',
  'DiskNotFound',
  'VMCreationFailed',
]);

const ruleClause = (id: string, title: string, rule: WireRule, expected: string): Clause<Nothing> => ({
  id,
  title,
  section: '1.1',
  after: ['answers.ready'],
  async run(trial) {
    for (const exchange of trial.world.exchanges) {
      const defect = exchange.defects.find((each) => each.rule === rule);
      if (defect === undefined) continue;
      trial.calls.push(exchange);
      throw trial.broken(expected, `${defect.what}, after ${exchange.method}`, 'wire');
    }
  },
});

const clauses: readonly Clause<Nothing>[] = [
  {
    id: 'answers.ready',
    title: 'Calls that work and calls that do not are all answered',
    section: '1.1',
    async run(trial) {
      await trial.ask('info', []);
      await trial.ask('no_such_method', []);
      await trial.ask('has_disk', ['disk-000000000000000']);
      const { guests, vmProperties } = trial.scene;
      await trial.ask('create_vm', ['agent', 'no-such-stemcell', vmProperties, {}, [], guests?.env ?? {}]);
      for (const exchange of trial.calls) trial.answerOf(exchange);
    },
  },
  ruleClause(
    'answers.document',
    'stdout is one JSON document and nothing else',
    'document',
    'one JSON document',
  ),
  ruleClause(
    'answers.keys',
    'Each answer has result, error and log; log is a string, ok_to_retry true or false',
    'keys',
    'an answer as the director’s schema has it',
  ),
  ruleClause('answers.exit-status', 'The exit status is 0, for errors as well', 'exit', 'exit status 0'),
  ruleClause(
    'answers.streams',
    'stdout and stderr end with the process: nothing that it started holds them',
    'streams',
    'stdout and stderr to end',
  ),
  {
    id: 'answers.error-types',
    title: 'Each error has a type that bosh knows',
    section: '1.4',
    after: ['answers.ready'],
    async run(trial) {
      for (const exchange of trial.world.exchanges) {
        const error = exchange.answer?.error;
        if (!error || isUnknownMethod(error)) continue;
        const known = error.type.startsWith('Bosh::Clouds::') && knownErrors.has(typeOf(error));
        if (!known) trial.calls.push(exchange);
        trial.check(
          known,
          'a type that director or CLI know',
          `${error.type} after ${exchange.method}`,
          'wire',
        );
      }
    },
  },
  {
    id: 'answers.secrets',
    title: "No password and no key of the request's env is in stderr or log",
    section: '8.1',
    after: ['answers.ready'],
    needs: ['guest'],
    run: async (trial) => refuseSecrets(trial),
  },
];

function refuseSecrets(trial: Trial): void {
  for (const { method, raw, answer } of trial.world.exchanges) {
    const told = raw.stderr + (answer?.log ?? '');
    const found = trial.guests.secrets.find((secret) => told.includes(secret));
    trial.check(found === undefined, 'no secret', `one in what ${method} wrote`, 'wire');
  }
}

/** What holds for each answer, looked at in all answers that the run has had. */
export const answers = defineSequence<Nothing>({
  id: 'answers',
  title: 'Every answer of this run',
  caller: 'director',
  begin: () => ({}),
  clauses,
});
