import { Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { table } from '../command-line/format.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { recover } from '../environment/recover.ts';
import type { Recovered } from '../environment/recovered.ts';

export default class Recover extends BaseCommand<typeof Recover> {
  static override summary =
    'Bring an environment back after a reboot or a crash, and say what was found and done.';
  static override description =
    'Looks at, and starts where it is off: the private libvirt host, storage, networks with their routes, the machine, the ' +
    'VMs that its director has made, the agent, the director. What runs is left alone.';
  static override examples = [
    '<%= config.bin %> recover',
    '<%= config.bin %> recover work --cloud-check',
    '<%= config.bin %> recover work --json',
  ];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    'cloud-check': Flags.boolean({
      description: 'let the director mend VMs of its deployments that do not run (bosh cloud-check --auto)',
    }),
  };

  async run(): Promise<{ name: string; parts: readonly Recovered[] }> {
    const { environment } = this.args;
    const options = { cloudCheck: this.flags['cloud-check'] };
    const parts = await recover(environment, options, this.caller({ yes: false }));
    const rows = parts.map(({ part, name, found, done }) => [part, name, found, done ?? '-']);
    this.print(table([['PART', 'NAME', 'FOUND', 'DONE'], ...rows]));
    return { name: environment, parts };
  }
}
