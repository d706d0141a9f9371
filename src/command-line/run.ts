import { Config, run } from '@oclif/core';
import { packageRoot } from '../platform/package-root.ts';
import { endProcess } from './end-process.ts';
import { exitStatusOf, printError } from './failures.ts';

/** Finds and runs the command that `argv` names; the process ends with the status that docs/exit-codes.md says. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  try {
    const config = await Config.load({ root: packageRoot() });
    await run([...argv], config);
  } catch (error) {
    printError(error, argv.includes('--json'));
    endProcess(exitStatusOf(error));
  }
}
