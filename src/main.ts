import { standardInput, writeToStderr, writeToStdout } from './platform/standard-streams.ts';

/**
 * The fork in the road. bosh starts `boshvirt cpi` twice for each step it takes, so that path must not load the command
 * framework (docs/decisions/0001); `boshvirt cpi verify` is a command for people. No `await` at the top: the bundle of the
 * CPI is CommonJS.
 */
async function main(): Promise<void> {
  const [, , command, ...words] = process.argv;
  if (command === 'cpi' && words[0] !== 'verify') {
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
