import { BaseCommand } from '../command-line/base-command.ts';
import { endProcess } from '../command-line/end-process.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { ssh } from '../environment/ssh.ts';

export default class Ssh extends BaseCommand<typeof Ssh> {
  static override summary = 'Open a shell on the machine, or run a command there and give its exit status.';
  static override usage = 'ssh [ENV] [-- COMMAND...]';
  static override examples = ['<%= config.bin %> ssh', '<%= config.bin %> ssh work -- df -h /var/vcap/store'];
  static override args = environmentArg;
  static override strict = false;

  async run(): Promise<void> {
    const at = this.argv.indexOf('--');
    const command = at === -1 ? [] : this.argv.slice(at + 1);
    const environment = at === 0 ? 'default' : this.args.environment;
    endProcess(await ssh(environment, command));
  }
}
