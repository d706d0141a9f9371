/**
 * Installs the Debian packages that it is given, with whatever apt-get is first on PATH: `node install-program.ts PACKAGE…`.
 * Prints one line of JSON: what was said and warned of, and the error if there was one.
 */
import { installPackages } from '../../src/host/findings/index.ts';
import { silentLog } from '../../src/platform/log.ts';

const lines: string[] = [];
const warnings: string[] = [];
const error = await installPackages(process.argv.slice(2), {
  log: { ...silentLog, warn: (line) => warnings.push(line) },
  signal: AbortSignal.timeout(60_000),
  onLine: (line) => lines.push(line),
}).catch((thrown: Error) => ({ ...thrown, message: thrown.message }));
process.stdout.write(`${JSON.stringify({ lines, warnings, error: error ?? null })}\n`);
