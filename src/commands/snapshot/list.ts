import { BaseCommand } from '../../command-line/base-command.ts';
import { table } from '../../command-line/format.ts';
import { environmentArg } from '../../command-line/shared-flags.ts';
import { listSnapshots } from '../../environment/snapshot.ts';

export default class SnapshotList extends BaseCommand<typeof SnapshotList> {
  static override summary = 'List the snapshots of an environment, oldest first.';
  static override examples = ['<%= config.bin %> snapshot list'];
  static override enableJsonFlag = true;
  static override args = environmentArg;

  async run(): Promise<{ name: string; createdAt: Date; withMemory: boolean }[]> {
    const found = await listSnapshots(this.args.environment, this.debugLog);
    if (found.length === 0) this.print('There are no snapshots.');
    else {
      const rows = found.map(({ name, createdAt, withMemory }) => [
        name,
        createdAt.toISOString(),
        withMemory ? 'yes' : 'no',
      ]);
      this.print(table([['NAME', 'TAKEN', 'MEMORY'], ...rows]));
    }
    return found;
  }
}
