import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg, yesFlag } from '../../command-line/shared-flags.ts';
import { cfDown, type OrphanedDisk } from '../../environment/cf/down.ts';
import { requireLite } from '../../environment/cf/require-lite.ts';
import { requireRecord } from '../../environment/record.ts';
import { UserError } from '../../platform/errors.ts';

export default class CfDown extends BaseCommand<typeof CfDown> {
  static override summary = 'Delete Cloud Foundry from an environment; the environment stays.';
  static override examples = ['<%= config.bin %> cf down', '<%= config.bin %> cf down work --yes'];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = yesFlag;

  async run(): Promise<{ deleted: true; orphanedDisks: OrphanedDisk[] }> {
    const { environment } = this.args;
    requireLite(await requireRecord(environment));
    const caller = this.caller(this.flags);
    const question = `Delete Cloud Foundry in '${environment}', with all its apps, users and data?`;
    if (!(await caller.confirm(question, 'no'))) {
      throw new UserError('DECLINED', `Cloud Foundry in '${environment}' was left as it is`);
    }
    const orphanedDisks = await cfDown(environment, caller);
    this.print(`Cloud Foundry in '${environment}' is gone.`);
    if (orphanedDisks.length > 0) this.print(keptDisks(orphanedDisks, environment));
    return { deleted: true, orphanedDisks };
  }
}

function keptDisks(disks: readonly OrphanedDisk[], environment: string): string {
  const lines = disks.map(({ cid, size, instance }) => `  ${cid}  ${size}  ${instance}`);
  return [
    'The director keeps its persistent disks for five days:',
    ...lines,
    `boshvirt exec ${environment} -- bosh clean-up --all deletes them now, and all that no deployment uses.`,
  ].join('\n');
}
