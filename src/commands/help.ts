import { loadHelpClass } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';

export default class Help extends BaseCommand<typeof Help> {
  static override summary = 'Show what there is, or how one command is used.';
  static override usage = 'help [COMMAND...]';
  static override examples = ['<%= config.bin %> help', '<%= config.bin %> help snapshot create'];
  static override strict = false;

  async run(): Promise<void> {
    const HelpText = await loadHelpClass(this.config);
    await new HelpText(this.config).showHelp(this.argv);
  }
}
