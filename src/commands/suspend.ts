import { BaseCommand } from '../command-line/base-command.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { type Suspended, suspend } from '../environment/suspend.ts';

export default class Suspend extends BaseCommand<typeof Suspend> {
  static override summary =
    'Put an environment’s VMs to sleep: their memory goes to the disk, also across a reboot.';
  static override description =
    'boshvirt resume, or up, goes on where they were. A container has no memory that could be kept: environments on the ' +
    'backend lxc are refused (exit status 12) and left as they are.';
  static override examples = ['<%= config.bin %> suspend', '<%= config.bin %> suspend work --json'];
  static override enableJsonFlag = true;
  static override args = environmentArg;

  async run(): Promise<Suspended> {
    const suspended = await suspend(this.args.environment, this.caller({ yes: false }));
    const { name, vms } = suspended;
    this.print(
      vms.length === 0
        ? `Nothing of '${name}' runs.`
        : `Environment '${name}' sleeps; boshvirt resume ${name} wakes it.`,
    );
    return suspended;
  }
}
