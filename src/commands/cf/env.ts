import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg, shellFlags } from '../../command-line/shared-flags.ts';
import { type ShellName, shellLines } from '../../command-line/shells.ts';
import { cfEnvironment, cfVariables } from '../../environment/cf/cf-environment.ts';

export default class CfEnv extends BaseCommand<typeof CfEnv> {
  static override summary = "Print variables for a shell that works with an environment's Cloud Foundry.";
  static override description =
    'CF_API, CF_USERNAME and CF_PASSWORD, the last two as cf auth reads them. The password is a secret: it comes out of the ' +
    "director's CredHub.";
  static override examples = [
    '$ eval "$(<%= config.bin %> cf env)"',
    '<%= config.bin %> cf env --shell fish | source',
  ];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = shellFlags;

  async run(): Promise<Record<string, string>> {
    const { shell, unset } = this.flags;
    const variables = unset
      ? Object.fromEntries(cfVariables.map((name) => [name, '']))
      : await cfEnvironment(this.args.environment, { signal: this.signal });
    this.print(shellLines(shell as ShellName, variables, unset));
    return variables;
  }
}
