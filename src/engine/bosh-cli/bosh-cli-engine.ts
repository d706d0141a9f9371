import type { CreateEnvOptions, DeploySource, Engine, EngineContext } from '../engine.ts';
import { boshEnvironment } from './bosh-environment.ts';
import { boshFailure } from './failure.ts';
import { requireBosh } from './find-bosh.ts';
import { boshInputs } from './inputs.ts';
import { type BoshOutcome, runBosh } from './run-bosh.ts';
import { Secrets } from './secrets.ts';

export interface BoshCliOptions {
  /** The bosh program, if not the first on PATH. */
  readonly boshPath?: string;
}

/** Has the real bosh CLI do it, with a HOME of its own. */
export class BoshCliEngine implements Engine {
  readonly name = 'bosh-cli';
  readonly #boshPath: string | undefined;

  constructor(options: BoshCliOptions = {}) {
    this.#boshPath = options.boshPath;
  }

  async createEnv(
    source: DeploySource,
    context: EngineContext,
    options: CreateEnvOptions = {},
  ): Promise<{ changed: boolean }> {
    const flags = options.recreate ? ['--recreate'] : [];
    const { unchanged } = await this.#bosh('create-env', flags, source, context);
    return { changed: !unchanged };
  }

  async deleteEnv(source: DeploySource, context: EngineContext): Promise<void> {
    await this.#bosh('delete-env', [], source, context);
  }

  async #bosh(
    command: 'create-env' | 'delete-env',
    flags: readonly string[],
    source: DeploySource,
    context: EngineContext,
  ): Promise<BoshOutcome> {
    const { path, version } = await requireBosh(this.#boshPath);
    context.log.info(`${command} with ${path} ${version}`);
    const inputs = await boshInputs(source, context);
    // without a terminal bosh prints its steps only when told to
    const words = [path, command, ...inputs, ...flags, '--tty', '--no-color', '--non-interactive'];
    const [program = path, ...rest] = [...context.road.commandPrefix, ...words];
    const secrets = new Secrets(source);
    const { internal_ip: ip } = source.vars;
    const machineIp = typeof ip === 'string' ? ip : undefined;
    const env = boshEnvironment({ workDir: context.workDir, machineIp });
    const writes = [source.statePath, source.varsStorePath];
    const outcome = await runBosh({ argv: [program, ...rest], env, secrets, context, writes });
    if (outcome.exitCode === 0) return outcome;
    throw boshFailure({ command, logPath: context.logPath, ...outcome });
  }
}
