import { BaseCommand } from '../command-line/base-command.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { recover } from '../environment/recover.ts';
import type { Recovered } from '../environment/recovered.ts';

export default class Resume extends BaseCommand<typeof Resume> {
  static override summary = 'Wake an environment that was put to sleep: its VMs go on where they were.';
  static override description =
    'Network and storage come first; the machine’s clock is set once its agent answers. VMs that are off are started.';
  static override examples = ['<%= config.bin %> resume', '<%= config.bin %> resume work --json'];
  static override enableJsonFlag = true;
  static override args = environmentArg;

  async run(): Promise<{ name: string; parts: readonly Recovered[] }> {
    const { environment } = this.args;
    const parts = await recover(environment, { cloudCheck: false }, this.caller({ yes: false }));
    const woken = parts.filter(({ part, done }) => part === 'vm' && done !== undefined).length;
    this.print(
      woken === 0 ? `Environment '${environment}' runs already.` : `Environment '${environment}' runs again.`,
    );
    return { name: environment, parts };
  }
}
