import { standardInput, writeToStderr, writeToStdout } from './platform/standard-streams.ts';

/** What follows `cpi` where it is no call of bosh's. */
const forPeople = new Set(['verify', 'serve']);

/**
 * The fork in the road. bosh starts `boshvirt cpi` twice for each step it takes, so that path must not load the command
 * framework (docs/decisions/0001); `boshvirt cpi verify` and `serve` are commands. No `await` at the top: the bundle of the
 * CPI is CommonJS.
 */
async function main(): Promise<void> {
  const [, , command, ...words] = process.argv;
  if (command === 'cpi' && !forPeople.has(words[0] ?? '')) {
    const { runCpi } = await import('./cpi/main.ts');
    await runCpi(words, {
      input: standardInput(),
      writeOutput: writeToStdout,
      writeLog: writeToStderr,
    });
  } else {
    const { runCommandLine } = await import('./command-line/run.ts');
    await runCommandLine(process.argv.slice(2));
  }
}

void main();
