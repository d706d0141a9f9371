import { Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { Interrupted } from '../command-line/interrupts.ts';
import { linesOf } from '../command-line/lines.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { type LogSource, logSources, logSourcesOf, readLog } from '../environment/logs.ts';
import { requireRecord } from '../environment/record.ts';
import { messageOf } from '../platform/errors.ts';

export default class Logs extends BaseCommand<typeof Logs> {
  static override summary =
    "Print the logs: what create-env and the CPI said, what a director asked of the CPI, the machine's console, its agent's, its director's.";
  static override examples = [
    '<%= config.bin %> logs',
    '<%= config.bin %> logs --source agent',
    '<%= config.bin %> logs work --follow',
  ];
  static override args = environmentArg;
  static override flags = {
    source: Flags.string({
      char: 's',
      options: [...logSources],
      multiple: true,
      multipleNonGreedy: true,
      description: 'which log (default: all of them)',
    }),
    follow: Flags.boolean({ char: 'f', description: 'go on with what is written from now on' }),
  };

  async run(): Promise<void> {
    const record = await requireRecord(this.args.environment);
    const sources = (this.flags.source ?? logSourcesOf(record)) as readonly LogSource[];
    const [only] = sources;
    if (only !== undefined && sources.length === 1) await this.#copy(only);
    else if (this.flags.follow) await Promise.all(sources.map((source) => this.#merge(source)));
    else for (const source of sources) await this.#chapter(source);
  }

  #read(source: LogSource): AsyncIterable<Uint8Array> {
    const { debugLog: log, signal } = this;
    return readLog(this.args.environment, source, { follow: this.flags.follow, log, signal });
  }

  async #copy(source: LogSource): Promise<void> {
    try {
      for await (const chunk of this.#read(source)) await write(chunk);
    } catch (error) {
      if (!(this.flags.follow && error instanceof Interrupted)) throw error;
      process.exitCode = error.status; // this is how one stops following
    }
  }

  /** One of several: where it cannot be had, the others still can. */
  async #chapter(source: LogSource): Promise<void> {
    await write(`==> ${source} <==\n`);
    await this.#unlessMissing(source, () => this.#copy(source));
    await write('\n');
  }

  async #merge(source: LogSource): Promise<void> {
    await this.#unlessMissing(source, async () => {
      for await (const line of linesOf(this.#read(source))) await write(`${source.padEnd(10)} | ${line}\n`);
    });
  }

  async #unlessMissing(source: LogSource, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof Interrupted) process.exitCode = error.status;
      else process.stderr.write(`boshvirt: the ${source} log cannot be read: ${messageOf(error)}\n`);
    }
  }
}

async function write(chunk: Uint8Array | string): Promise<void> {
  if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
