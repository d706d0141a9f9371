import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg } from '../../command-line/shared-flags.ts';
import { createSnapshot, type TakenSnapshot } from '../../environment/snapshot.ts';

export default class SnapshotCreate extends BaseCommand<typeof SnapshotCreate> {
  static override summary = 'Keep the state of machine and disks, with the memory if it runs.';
  static override description =
    'With the profile lite all deployments are in the machine, and so in its snapshots. With the profile director its ' +
    'deployments have VMs of their own, which are not: restored, the director knows them as they were.';
  static override examples = ['<%= config.bin %> snapshot create -n before-upgrade'];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    name: Flags.string({ char: 'n', description: 'name of the snapshot (default: the time)' }),
  };

  async run(): Promise<TakenSnapshot> {
    const name = this.flags.name ?? new Date().toISOString().replaceAll(':', '-').slice(0, 19);
    const facts = await createSnapshot(this.args.environment, name, this.debugLog);
    this.print(`Snapshot '${name}' was taken${facts.withMemory ? ', memory included' : ''}.`);
    if (facts.without.length > 0) {
      process.stderr.write(
        `It holds the director alone: ${facts.without.length} VMs of its deployments are not in it (boshvirt vms lists them).\n`,
      );
    }
    return facts;
  }
}
