import { BaseCommand } from '../command-line/base-command.ts';
import { endProcess } from '../command-line/end-process.ts';
import { passedWords } from '../command-line/passed-words.ts';
import { defaultEnvironment } from '../command-line/shared-flags.ts';
import { exec } from '../environment/exec.ts';
import { UserError } from '../platform/errors.ts';

export default class Exec extends BaseCommand<typeof Exec> {
  static override summary =
    'Run a command on this machine that works with an environment: bosh, credhub, curl, a shell.';
  static override description =
    'It gets the variables of boshvirt env, and where boshvirt runs a libvirt of its own, a place in the network namespace ' +
    'in which the guests answer. Gives the exit status of the command.';
  static override usage = 'exec [ENV] -- COMMAND...';
  static override examples = [
    '<%= config.bin %> exec -- bosh vms',
    "<%= config.bin %> exec work -- sh -c 'curl --insecure $BOSH_ENVIRONMENT/info'",
  ];
  static override strict = false;

  async run(): Promise<void> {
    const { environment, command } = passedWords('exec', this.argv);
    const [program, ...words] = command;
    if (program === undefined) {
      throw new UserError('USAGE', 'Which command?', {
        hints: ['it comes after two dashes: boshvirt exec -- bosh vms'],
      });
    }
    endProcess(await exec(environment ?? defaultEnvironment(), [program, ...words]));
  }
}
