import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg } from '../../command-line/shared-flags.ts';
import { serveCpi } from '../../environment/cpi-server/serve.ts';

export default class CpiServe extends BaseCommand<typeof CpiServe> {
  static override summary = "Serve the CPI to an environment's director, which has its VMs made by it.";
  static override description =
    'HTTPS with certificates on both sides, on the address that the host has in the environment’s network. boshvirt up starts it and boshvirt down ends it; by hand it stays in the foreground. docs/cpi-serve.md tells more.';
  static override examples = ['<%= config.bin %> cpi serve', '<%= config.bin %> cpi serve work'];
  static override args = environmentArg;

  async run(): Promise<void> {
    const { environment } = this.args;
    const again = [this.boshvirtCommand, 'cpi', 'serve', environment];
    await serveCpi(environment, again, this.caller({ yes: false }));
  }
}
