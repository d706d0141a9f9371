import { resolve } from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { amountIn, type Bundle, importBundle } from '../../environment/bundle.ts';

export default class BundleImport extends BaseCommand<typeof BundleImport> {
  static override summary = 'Take what is in a bundle into the cache, so that up needs no internet.';
  static override description =
    'Each download is held against its checksum. Of a bundle that is damaged, or has other things in it than it says, nothing ' +
    'is taken (status 31).';
  static override examples = ['<%= config.bin %> bundle import /media/usb/work.tar'];
  static override enableJsonFlag = true;
  static override args = { file: Args.string({ required: true, description: 'what bundle create wrote' }) };

  async run(): Promise<Bundle> {
    const bundle = await importBundle(resolve(this.args.file), this.caller({ yes: false }));
    this.print(`Into the cache: ${amountIn(bundle)}.`);
    this.print(
      `Next: boshvirt up ${bundle.environment} --offline (boshvirt doctor tells which packages are missing)`,
    );
    return bundle;
  }
}
