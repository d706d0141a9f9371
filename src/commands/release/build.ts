import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { type BuiltRelease, buildRelease } from '../../environment/release.ts';

export default class ReleaseBuild extends BaseCommand<typeof ReleaseBuild> {
  static override summary = 'Build the CPI release tarball, for use with plain bosh create-env.';
  static override examples = ['<%= config.bin %> release build --out boshvirt-cpi.tgz'];
  static override enableJsonFlag = true;
  static override flags = {
    out: Flags.string({ char: 'o', default: 'boshvirt-cpi.tgz', description: 'where the tarball goes' }),
  };

  async run(): Promise<BuiltRelease> {
    const built = await buildRelease(this.flags.out, this.debugLog);
    this.print(`${built.path}\nsha1: ${built.sha1}`);
    return built;
  }
}
