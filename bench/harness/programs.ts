import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface Ran {
  readonly ms: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end and measures it, from before its start to after its end. Throws if it fails. */
export async function runProgram(
  argv: readonly [string, ...string[]],
  { input = '', env = {} }: RunOptions = {},
): Promise<Ran> {
  const [file, ...args] = argv;
  const started = performance.now();
  const child = spawn(file, args, { env: { ...process.env, ...env } });
  child.stdin.on('error', () => {}); // a program that reads nothing may be gone by now
  child.stdin.end(input);
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    }),
  ]);
  const ms = performance.now() - started;
  if (status === 0) return { ms, stdout, stderr };
  throw new Error(`${argv.join(' ')} ended with status ${status}:\n${stdout}${stderr}`);
}

/** How long the programs take one after the other. */
export async function timeChain(chain: readonly (readonly [string, ...string[]])[]): Promise<number> {
  const started = performance.now();
  for (const argv of chain) await runProgram(argv);
  return performance.now() - started;
}

/** The floor of everything that we do: a Node that does nothing. */
export const bareNode = async (): Promise<number> => (await runProgram([process.execPath, '-e', '0'])).ms;
