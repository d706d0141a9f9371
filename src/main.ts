import { standardInput, writeToStderr, writeToStdout } from './platform/standard-streams.ts';

/**
 * The fork in the road. bosh starts `boshvirt cpi` twice for each step it takes, so that path must not load the command
 * framework (docs/decisions/0001). No `await` at the top: the bundle of the CPI is CommonJS.
 */
async function main(): Promise<void> {
  if (process.argv[2] === 'cpi') {
    const { runCpi } = await import('./cpi/main.ts');
    await runCpi(process.argv.slice(3), {
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
