import { BaseCommand } from '../command-line/base-command.ts';
import { endProcess } from '../command-line/end-process.ts';
import { passedWords } from '../command-line/passed-words.ts';
import { defaultEnvironment } from '../command-line/shared-flags.ts';
import { ssh } from '../environment/ssh.ts';

export default class Ssh extends BaseCommand<typeof Ssh> {
  static override summary = 'Open a shell on the machine, or run a command there and give its exit status.';
  static override usage = 'ssh [ENV] [-- COMMAND...]';
  static override examples = ['<%= config.bin %> ssh', '<%= config.bin %> ssh work -- df -h /var/vcap/store'];
  static override strict = false;

  async run(): Promise<void> {
    const { environment, command } = passedWords('ssh', this.argv);
    endProcess(await ssh(environment ?? defaultEnvironment(), command));
  }
}
