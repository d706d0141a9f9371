import { Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { type LogSource, logSources, readLog } from '../environment/logs.ts';

export default class Logs extends BaseCommand<typeof Logs> {
  static override summary =
    "Print a log: the machine's console, its agent's, or what create-env and the CPI said.";
  static override examples = ['<%= config.bin %> logs', '<%= config.bin %> logs --source agent'];
  static override args = environmentArg;
  static override flags = {
    source: Flags.string({
      char: 's',
      options: [...logSources],
      default: 'console',
      description: 'which log',
    }),
  };

  async run(): Promise<void> {
    for await (const chunk of readLog(this.args.environment, this.flags.source as LogSource, this.debugLog)) {
      if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  }
}
