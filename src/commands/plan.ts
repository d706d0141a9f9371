import { Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { describePlan } from '../environment/plan/describe-plan.ts';
import { plan, type Plan as UpPlan } from '../environment/plan.ts';
import { optionsOf, requestOf, upFlags } from './up.ts';

export default class Plan extends BaseCommand<typeof Plan> {
  static override summary = 'Show what up would do with the same flags, and change nothing.';
  static override description =
    'Packages to install, objects of this host to make or change, what is to be downloaded, the memory and disk that it takes, ' +
    'and the difference between the manifest that is deployed and the one that would be. Secrets are not shown.';
  static override examples = [
    '<%= config.bin %> plan',
    '<%= config.bin %> plan work --memory 8GiB --exit-code || echo up has work to do',
  ];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    ...upFlags,
    'exit-code': Flags.boolean({ description: 'exit with 0 if up would do nothing, with 3 if it has work' }),
  };

  async run(): Promise<UpPlan> {
    const { environment } = this.args;
    const request = await requestOf(environment, this.flags);
    const options = optionsOf(this.flags, this.boshvirtCommand);
    const found = await plan(environment, request, options, this.caller({ yes: false }));
    this.print(describePlan(found));
    if (this.flags['exit-code'] && found.distance !== 'none') process.exitCode = 3;
    return found;
  }
}
