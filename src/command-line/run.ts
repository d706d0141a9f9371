import { Config, run } from '@oclif/core';
import { packageRoot } from '../platform/package-root.ts';
import { endProcess, endWithTheReader } from './end-process.ts';
import { exitStatusOf, printError } from './failures.ts';
import { usageError } from './usage-error.ts';

/** Finds and runs the command that `argv` names; the process ends with the status that docs/exit-codes.md says. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  endWithTheReader();
  const config = await Config.load({ root: packageRoot() });
  try {
    await run([...argv], config);
  } catch (error) {
    const shown = usageError(error, config);
    printError(shown, wantsJson(argv));
    endProcess(exitStatusOf(shown));
  }
}

/** What follows `--` is another program's. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).includes('--json');
}
