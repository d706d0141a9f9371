import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg } from '../../command-line/shared-flags.ts';
import { deleteSnapshot } from '../../environment/snapshot.ts';

export default class SnapshotDelete extends BaseCommand<typeof SnapshotDelete> {
  static override summary = 'Delete a snapshot; the environment stays as it is.';
  static override examples = ['<%= config.bin %> snapshot delete -n before-upgrade'];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    name: Flags.string({ char: 'n', required: true, description: 'name of the snapshot' }),
  };

  async run(): Promise<{ name: string }> {
    const { name } = this.flags;
    await deleteSnapshot(this.args.environment, name, this.debugLog);
    this.print(`Snapshot '${name}' was deleted.`);
    return { name };
  }
}
