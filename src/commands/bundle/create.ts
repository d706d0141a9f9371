import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentArg } from '../../command-line/shared-flags.ts';
import { amountIn, type Bundle, createBundle } from '../../environment/bundle.ts';

export default class BundleCreate extends BaseCommand<typeof BundleCreate> {
  static override summary =
    'Put all that an environment downloads into one file, for a machine without internet.';
  static override description =
    'What is in boshvirt.lock, the lock file itself, the bosh CLI, bosh-deployment and, if it was used, cf-deployment, with ' +
    'checksums. Packages of the operating system are not in it: the other machine has to have them, or a mirror of them.';
  static override examples = [
    '<%= config.bin %> bundle create --out default.tar',
    '<%= config.bin %> bundle create work --out /media/usb/work.tar',
  ];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    out: Flags.string({ char: 'o', required: true, description: 'the file to write' }),
    offline: Flags.boolean({ description: 'fetch nothing', env: 'BOSHVIRT_OFFLINE' }),
    config: Flags.string({
      description: 'configuration file beside which the lock file lies, instead of the one found',
      env: 'BOSHVIRT_CONFIG',
    }),
  };

  async run(): Promise<Bundle> {
    const { offline, config: configPath } = this.flags;
    const request = { out: resolve(this.flags.out), offline, configPath };
    const bundle = await createBundle(this.args.environment, request, this.caller({ yes: false }));
    this.print(`${bundle.path}: ${amountIn(bundle)}.`);
    this.print(
      'On the other machine: boshvirt bundle import FILE. Packages of the operating system are not in it.',
    );
    return bundle;
  }
}
