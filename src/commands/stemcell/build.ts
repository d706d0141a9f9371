import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { cacheFolder } from '../../environment/paths.ts';
import { type BuiltStemcell, buildStemcell } from '../../environment/stemcell.ts';

export default class StemcellBuild extends BaseCommand<typeof StemcellBuild> {
  static override summary = 'Build the probe stemcell: a small guest out of Debian packages.';
  static override examples = [
    '<%= config.bin %> stemcell build --out probe.tgz',
    '<%= config.bin %> stemcell build --form container --out probe-warden.tgz',
  ];
  static override enableJsonFlag = true;
  static override flags = {
    out: Flags.string({ char: 'o', description: 'also put the tarball here' }),
    form: Flags.option({
      description:
        'what it is for: a virtual machine (a disk that boots), or a container (a root file system)',
      options: ['vm', 'container'] as const,
      default: 'vm' as const,
    })(),
    agent: Flags.string({
      description: "a real bosh-agent to build in, instead of boshvirt's own",
      env: 'BOSHVIRT_AGENT',
    }),
  };

  async run(): Promise<BuiltStemcell> {
    const built = await buildStemcell(
      {
        cacheDir: cacheFolder(),
        outPath: this.flags.out,
        form: this.flags.form,
        agentPath: this.flags.agent,
      },
      this.caller({ yes: true }),
    );
    this.print(built.path);
    return built;
  }
}
