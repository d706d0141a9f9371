import { BaseCommand } from '../command-line/base-command.ts';
import { table } from '../command-line/format.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { disks, type EnvironmentDisk, type EnvironmentDisks } from '../environment/disks.ts';
import { lostDiskWords } from '../environment/lost-disks.ts';
import { formatBytes } from '../platform/amounts.ts';

export default class Disks extends BaseCommand<typeof Disks> {
  static override summary = 'List the persistent disks of an environment, and snapshots of them.';
  static override description =
    'A disk is lost if no VM has it and nobody’s records name it. --json has BOSH’s metadata besides.';
  static override examples = ['<%= config.bin %> disks', '<%= config.bin %> disks work --json'];
  static override enableJsonFlag = true;
  static override args = environmentArg;

  async run(): Promise<EnvironmentDisks> {
    const found = await disks(this.args.environment, this.debugLog);
    if (found.disks.length === 0) this.print('There are no persistent disks.');
    else {
      const heading = ['DISK', 'SIZE', 'ON DISK', 'ATTACHED TO', 'INSTANCE', 'COPIES'];
      this.print(table([heading, ...found.disks.map(rowOf)]));
    }
    if (found.snapshots.length > 0) {
      const rows = found.snapshots.map(({ cid, disk, takenAt, bytesOnDisk }) => [
        cid,
        disk ?? '-',
        takenAt.toISOString(),
        formatBytes(bytesOnDisk),
      ]);
      this.print(`\n${table([['SNAPSHOT', 'OF DISK', 'TAKEN', 'ON DISK'], ...rows])}`);
    }
    for (const disk of found.disks.filter(({ lost }) => lost))
      this.print(`\n${lostDiskWords(disk, this.args.environment)}`);
    return found;
  }
}

const rowOf = (disk: EnvironmentDisk): string[] => [
  disk.cid,
  formatBytes(disk.sizeBytes),
  formatBytes(disk.bytesOnDisk),
  disk.lost ? 'none: lost' : (disk.attachedTo ?? 'none'),
  disk.instance ?? '-',
  String(disk.snapshots.length),
];
