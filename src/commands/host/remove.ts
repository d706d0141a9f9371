import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentFlag, yesFlag } from '../../command-line/shared-flags.ts';
import { removeHost } from '../../environment/hosts/remove-host.ts';
import { UserError } from '../../platform/errors.ts';

export default class HostRemove extends BaseCommand<typeof HostRemove> {
  static override summary = 'Take a machine from an environment, with storage and network that it has there.';
  static override description =
    'Refuses while VMs, disks or snapshots of the environment are on it. The director’s zones go to the other hosts first.';
  static override examples = [
    '<%= config.bin %> host remove second',
    '<%= config.bin %> host remove second --env work --force --yes',
  ];
  static override enableJsonFlag = true;
  static override args = {
    name: Args.string({ description: 'name of the host', required: true }),
  };
  static override flags = {
    ...environmentFlag,
    ...yesFlag,
    force: Flags.boolean({
      description: 'delete VMs, disks and snapshots on it too; forget a host that does not answer',
    }),
  };

  async run(): Promise<{ name: string; removed: true }> {
    const { env, force } = this.flags;
    const { name } = this.args;
    const caller = this.caller(this.flags);
    const question = `Delete all that environment '${env}' has on host '${name}', VMs and disks too?`;
    if (force && !(await caller.confirm(question, 'no')))
      throw new UserError('DECLINED', `Host '${name}' was left as it is`);
    await removeHost(env, name, { force }, caller);
    this.print(`Environment '${env}' has nothing on host '${name}' any more.`);
    return { name, removed: true };
  }
}
