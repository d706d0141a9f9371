import { Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { environmentArg, yesFlag } from '../command-line/shared-flags.ts';
import { down } from '../environment/down.ts';
import { lossOfDown } from '../environment/loss-of-down.ts';
import { requireRecord } from '../environment/record.ts';
import { UserError } from '../platform/errors.ts';

export default class Down extends BaseCommand<typeof Down> {
  static override summary = 'Delete an environment: machine, disks, network, storage, state and credentials.';
  static override examples = ['<%= config.bin %> down', '<%= config.bin %> down work --yes'];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    ...yesFlag,
    purge: Flags.boolean({ description: 'delete its logs too' }),
  };

  async run(): Promise<{ name: string; deleted: true }> {
    const { environment } = this.args;
    const record = await requireRecord(environment);
    const caller = this.caller(this.flags);
    const what = await lossOfDown(record, this.debugLog);
    if (!(await caller.confirm(`Delete environment '${environment}': ${what}?`, 'no'))) {
      throw new UserError('DECLINED', `Environment '${environment}' was left as it is`);
    }
    await down(environment, { purge: this.flags.purge, boshvirtCommand: this.boshvirtCommand }, caller);
    this.print(`Environment '${environment}' is gone.`);
    return { name: environment, deleted: true };
  }
}
