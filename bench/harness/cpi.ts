import { join } from 'node:path';
import { packageRoot } from '../../src/platform/package-root.ts';
import { type RunOptions, runProgram } from './programs.ts';

/** The program as people and bosh start it. */
export const launcher = join(packageRoot(), 'bin', 'boshvirt');

/** Calls the CPI as bosh does: the launcher, one request on stdin, one answer on stdout. */
export class Cpi {
  readonly #configPath: string;

  constructor(configPath: string) {
    this.#configPath = configPath;
  }

  /** How long the call took. Throws what the CPI answers if that is an error. */
  async time(
    method: string,
    args: readonly unknown[],
    options: Pick<RunOptions, 'env'> = {},
  ): Promise<number> {
    return (await this.run(method, args, options)).ms;
  }

  /** The call's result. */
  async call(method: string, args: readonly unknown[]): Promise<unknown> {
    return (await this.run(method, args)).result;
  }

  /** Both. */
  async run(method: string, args: readonly unknown[], options: Pick<RunOptions, 'env'> = {}) {
    const context = { director_uuid: 'bench', vm: { stemcell: { api_version: 2 } } };
    const request = JSON.stringify({ method, arguments: args, context, api_version: 2 });
    const argv: [string, ...string[]] = [launcher, 'cpi', '--config', this.#configPath];
    const { ms, stdout } = await runProgram(argv, { ...options, input: request });
    const { result, error } = JSON.parse(stdout) as { result: unknown; error: { message: string } | null };
    if (error) throw new Error(`${method}: ${error.message}`);
    return { ms, result };
  }
}
