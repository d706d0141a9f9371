import { BaseCommand } from '../command-line/base-command.ts';
import { renderTarget } from '../command-line/render-target.ts';
import { defaultEnvironment } from '../command-line/shared-flags.ts';
import { render, renderable } from '../environment/render.ts';

export default class Render extends BaseCommand<typeof Render> {
  static override summary = 'Print what boshvirt hands to bosh and to the hypervisor.';
  static override usage = `render [ENV] ${renderable.join('|')}`;
  static override examples = [
    '<%= config.bin %> render manifest',
    '<%= config.bin %> render work domain-xml',
  ];
  static override enableJsonFlag = true;
  static override strict = false;

  async run(): Promise<{ what: string; text: string }> {
    const { what, environment } = renderTarget(this.words, renderable);
    const name = environment ?? defaultEnvironment();
    const text = await render(name, what, this.boshvirtCommand, this.debugLog);
    this.print(text);
    return { what, text };
  }
}
