import { execFile } from 'node:child_process';

/** Runs a program of the guest and gives its output; its failure is an Error with the command line and the last output. */
export type RunProgram = (argv: readonly [string, ...string[]], options?: ProgramOptions) => Promise<string>;

export interface ProgramOptions {
  readonly timeoutMs?: number;
  /** Exit statuses besides 0 that mean success. */
  readonly okExitCodes?: readonly number[];
}

const defaultTimeoutMs = 5 * 60_000;

export const runProgram: RunProgram = (argv, options = {}) =>
  new Promise((resolve, reject) => {
    const [file, ...args] = argv;
    const timeout = options.timeoutMs ?? defaultTimeoutMs;
    execFile(file, args, { timeout, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (!error || (typeof error.code === 'number' && options.okExitCodes?.includes(error.code)))
        return resolve(stdout);
      const said = `${stdout}${stderr}`.trim().split('\n').slice(-5).join('\n');
      const how = error.killed
        ? `did not end within ${timeout / 1000} s`
        : `failed (${error.code ?? error.signal})`;
      reject(new Error(`${argv.join(' ')} ${how}${said ? `: ${said}` : ''}`, { cause: error }));
    });
  });
