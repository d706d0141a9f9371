import { join } from 'node:path';
import { Command, Flags, type Interfaces } from '@oclif/core';
import type { Caller } from '../environment/steps/step.ts';
import { UserError } from '../platform/errors.ts';
import { type Log, lineLog, silentLog } from '../platform/log.ts';
import { packageRoot } from '../platform/package-root.ts';
import { interruptSignal } from './interrupts.ts';
import { showSteps } from './show-steps.ts';
import { usageError } from './usage-error.ts';

type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<
  (typeof BaseCommand)['baseFlags'] & T['flags']
>;
type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

/** What all commands share: how errors reach the person is failures.ts's business, how steps do is show-steps.ts's. */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override baseFlags = {
    debug: Flags.boolean({
      description: 'say on stderr what is done and answered',
      env: 'BOSHVIRT_DEBUG',
      helpGroup: 'GLOBAL',
    }),
  };

  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;
  /** What was typed besides flags, for a command that is not strict. */
  protected words!: readonly string[];
  readonly #signal = interruptSignal();

  override async init(): Promise<void> {
    await super.init();
    const { args, flags, argv } = await this.parse({
      flags: this.ctor.flags,
      baseFlags: (super.ctor as typeof BaseCommand).baseFlags,
      args: this.ctor.args,
      strict: this.ctor.strict,
      enableJsonFlag: this.ctor.enableJsonFlag,
    });
    this.flags = flags as FlagsOf<T>;
    this.args = args as ArgsOf<T>;
    this.words = argv.map(String);
  }

  /** run.ts shows errors, so that those of loading a command look the same. */
  protected override async catch(error: Error): Promise<never> {
    // Ctrl-C reaches the programs that we started too: what they complain of then is not what happened
    this.#signal.throwIfAborted();
    throw usageError(error, this.config, this.id);
  }

  protected get signal(): AbortSignal {
    return this.#signal;
  }

  protected get debugLog(): Log {
    return this.flags.debug ? lineLog((text) => process.stderr.write(text)) : silentLog;
  }

  /** This boshvirt's launcher, as bosh will start it. */
  protected get boshvirtCommand(): string {
    return join(packageRoot(), 'bin', 'boshvirt');
  }

  protected caller(options: { yes: boolean }): Caller {
    return {
      log: this.debugLog,
      signal: this.signal,
      runSteps: (steps, context) =>
        showSteps(steps, context, { signal: this.signal, quiet: this.jsonEnabled() }),
      confirm: (question, usual) => confirm(question, usual === 'yes', options.yes),
      tell: (text) => process.stderr.write(`${text}\n`),
    };
  }

  /** Data for people or pipes: stdout. */
  protected print(text: string): void {
    if (!this.jsonEnabled()) process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }
}

async function confirm(question: string, usual: boolean, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY || process.env.CI === 'true') {
    throw new UserError('USAGE', `There is no terminal to ask on: ${question}`, {
      hints: ['add --yes to agree beforehand'],
    });
  }
  const prompts = await import('@inquirer/prompts');
  return await prompts.confirm({ message: question, default: usual }, { output: process.stderr });
}
