import { Args } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { type Renderable, render, renderable } from '../environment/render.ts';

export default class Render extends BaseCommand<typeof Render> {
  static override summary = 'Print what boshvirt hands to bosh and to the hypervisor.';
  static override examples = [
    '<%= config.bin %> render manifest',
    '<%= config.bin %> render domain-xml work',
  ];
  static override enableJsonFlag = true;
  static override args = {
    what: Args.string({ required: true, options: [...renderable], description: 'the document' }),
    ...environmentArg,
  };

  async run(): Promise<{ what: string; text: string }> {
    const { what, environment } = this.args;
    const text = await render(environment, what as Renderable, this.boshvirtCommand, this.debugLog);
    this.print(text);
    return { what, text };
  }
}
