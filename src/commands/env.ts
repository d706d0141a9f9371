import { BaseCommand } from '../command-line/base-command.ts';
import { environmentArg, shellFlags } from '../command-line/shared-flags.ts';
import { type ShellName, shellLines } from '../command-line/shells.ts';
import { shellEnvironment, shellVariables } from '../environment/shell-environment.ts';

export default class Env extends BaseCommand<typeof Env> {
  static override summary = 'Print variables for a shell that works with an environment.';
  static override description =
    'With a director, bosh and credhub are logged in to it by them: secrets are among them. On a private libvirt host guests ' +
    'answer in its network namespace alone; boshvirt exec runs a command there.';
  static override examples = [
    '$ eval "$(<%= config.bin %> env)"',
    '<%= config.bin %> env --shell fish | source',
  ];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = shellFlags;

  async run(): Promise<Record<string, string>> {
    const { shell, unset } = this.flags;
    // taken away all the same when the environment is gone: BOSHVIRT_ENV would go on naming it
    const variables = unset
      ? Object.fromEntries(shellVariables.map((name) => [name, '']))
      : await shellEnvironment(this.args.environment);
    this.print(shellLines(shell as ShellName, variables, unset));
    if (!unset && variables.BOSHVIRT_NETNS && variables.BOSH_ENVIRONMENT && process.stderr.isTTY)
      process.stderr.write('Only in its network namespace the director answers: boshvirt exec -- bosh vms\n');
    return variables;
  }
}
