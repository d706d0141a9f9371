import { BaseCommand } from '../command-line/base-command.ts';
import { renderTarget } from '../command-line/render-target.ts';
import { defaultEnvironment } from '../command-line/shared-flags.ts';
import { render, renderable } from '../environment/render.ts';
import { optionsOf, requestOf, upFlags } from './up.ts';

const { recreate: _, 'adopt-disk': __, ...flags } = upFlags;

export default class Render extends BaseCommand<typeof Render> {
  static override summary = 'Print what boshvirt hands to bosh, to a director and to the hypervisor.';
  static override description =
    'Of an environment that is up. The manifest, its ops-files and variables and the configs of a director are printed as well ' +
    'for one that is not, with the flags of up: nothing is made.';
  static override usage = `render [ENV] ${renderable.join('|')}`;
  static override examples = [
    '<%= config.bin %> render manifest',
    '<%= config.bin %> render work command',
    '<%= config.bin %> render try manifest --profile lite --bosh-deployment ../bosh-deployment',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override flags = flags;

  async run(): Promise<{ what: string; text: string }> {
    const { what, environment } = renderTarget(this.words, renderable);
    const name = environment ?? defaultEnvironment();
    const given = { ...this.flags, recreate: false, 'adopt-disk': undefined };
    const request = await requestOf(name, given);
    const options = optionsOf(given, this.boshvirtCommand);
    const text = await render(name, what, request, options, this.caller({ yes: false }));
    this.print(text);
    return { what, text };
  }
}
