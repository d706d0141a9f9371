import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg } from '../../command-line/shared-flags.ts';
import { cfLogin } from '../../environment/cf/login.ts';

export default class CfLogin extends BaseCommand<typeof CfLogin> {
  static override summary = 'Log the cf CLI in to the Cloud Foundry of an environment, as its administrator.';
  static override examples = ['<%= config.bin %> cf login', '<%= config.bin %> cf login work'];
  static override enableJsonFlag = true;
  static override args = environmentArg;

  async run(): Promise<{ api: string; username: string }> {
    const done = await cfLogin(this.args.environment, this.caller({ yes: false }));
    this.print(`Logged in to ${done.api} as ${done.username}. Next: cf create-org ORG, cf target -o ORG`);
    return done;
  }
}
