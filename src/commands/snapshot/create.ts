import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg } from '../../command-line/shared-flags.ts';
import { createSnapshot } from '../../environment/snapshot.ts';

export default class SnapshotCreate extends BaseCommand<typeof SnapshotCreate> {
  static override summary = 'Keep the state of machine and disks, with the memory if it runs.';
  static override examples = ['<%= config.bin %> snapshot create -n before-upgrade'];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    name: Flags.string({ char: 'n', description: 'name of the snapshot (default: the time)' }),
  };

  async run(): Promise<{ name: string; createdAt: Date; withMemory: boolean }> {
    const name = this.flags.name ?? new Date().toISOString().replaceAll(':', '-').slice(0, 19);
    const facts = await createSnapshot(this.args.environment, name, this.debugLog);
    this.print(`Snapshot '${name}' was taken${facts.withMemory ? ', memory included' : ''}.`);
    return facts;
  }
}
