import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg, yesFlag } from '../../command-line/shared-flags.ts';
import { restoreSnapshot } from '../../environment/snapshot.ts';

export default class SnapshotRestore extends BaseCommand<typeof SnapshotRestore> {
  static override summary = 'Put machine, disks, state and credentials back to what they were in a snapshot.';
  static override examples = ['<%= config.bin %> snapshot restore -n before-upgrade --yes'];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    ...yesFlag,
    name: Flags.string({ char: 'n', required: true, description: 'name of the snapshot' }),
  };

  async run(): Promise<{ name: string }> {
    const { name } = this.flags;
    const { environment } = this.args;
    await restoreSnapshot(environment, name, this.caller(this.flags));
    this.print(`Environment '${environment}' is as it was in '${name}'.`);
    return { name };
  }
}
