/**
 * A program in the place of the bosh CLI, for machines that have none: what boshvirt asks of bosh, with bosh's words and exit
 * statuses. create-env renders the manifest as bosh does, takes releases out of bosh's download cache alone, has the built-in
 * engine make the machine without its jobs, and starts the stand-in director in it.
 */
import { parseArgs } from 'node:util';
import { BoshvirtError, messageOf } from '../../../src/platform/errors.ts';
import { directorCommand } from './bosh-director-commands.ts';
import { createEnv, deleteEnv } from './bosh-environments.ts';

const [, , ...argv] = process.argv;
const { positionals, values } = parseArgs({
  args: argv.filter((word) => word !== '--version'), // to be told its own
  allowPositionals: true,
  options: {
    version: { type: 'string' },
    'ops-file': { type: 'string', short: 'o', multiple: true, default: [] },
    'vars-file': { type: 'string', short: 'l', multiple: true, default: [] },
    'vars-store': { type: 'string', default: '' },
    state: { type: 'string', default: '' },
    recreate: { type: 'boolean' },
    'skip-drain': { type: 'boolean' },
    tty: { type: 'boolean' },
    'no-color': { type: 'boolean' },
    'non-interactive': { type: 'boolean', short: 'n' },
    json: { type: 'boolean' },
    type: { type: 'string' },
    name: { type: 'string' },
    recent: { type: 'string' },
    column: { type: 'string', multiple: true },
    deployment: { type: 'string', short: 'd' },
    orphaned: { type: 'boolean' },
  },
});

async function main(): Promise<void> {
  const [command = '', ...words] = positionals;
  if (argv[0] === '--version') process.stdout.write('version 7.9.9-stand-in\n\nSucceeded\n');
  else if (command === 'create-env') await createEnv(words[0] ?? '', values);
  else if (command === 'delete-env') await deleteEnv(words[0] ?? '', values);
  else await directorCommand(command, words, values);
}

try {
  await main();
} catch (error) {
  const lines = error instanceof BoshvirtError ? [error.message, ...error.hints] : [messageOf(error)];
  process.stderr.write(`${lines.join('\n  ')}\n\nExit code 1\n`);
  process.exitCode = 1;
}
