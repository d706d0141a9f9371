import { BaseCommand } from '../command-line/base-command.ts';

export default class Version extends BaseCommand<typeof Version> {
  static override summary = 'Print the versions of boshvirt and of the Node that it runs on.';
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --json'];
  static override enableJsonFlag = true;

  async run(): Promise<{ boshvirt: string; node: string; platform: string }> {
    const { version, platform, arch } = this.config;
    const facts = { boshvirt: version, node: process.versions.node, platform: `${platform}-${arch}` };
    this.print(`boshvirt ${facts.boshvirt} (Node ${facts.node}, ${facts.platform})`);
    return facts;
  }
}
