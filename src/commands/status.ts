import { Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { formatMegabytes } from '../environment/sizes.ts';
import { type EnvironmentStatus, status } from '../environment/status.ts';

const exitCodes: Readonly<Record<EnvironmentStatus['state'], number>> = {
  running: 0,
  unwell: 4,
  paused: 3,
  suspended: 3,
  stopped: 3,
  incomplete: 3,
  unknown: 4,
};

export default class Status extends BaseCommand<typeof Status> {
  static override summary =
    'Show how an environment is, as its hypervisor, its agent and its director tell it.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status work --json'];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    'exit-code': Flags.boolean({
      description: 'exit with 0 if it runs, 3 if it is stopped, 4 if that is not known',
    }),
  };

  async run(): Promise<EnvironmentStatus> {
    const found = await status(this.args.environment, this.debugLog, this.signal);
    const { cpus, memoryMb, persistentDiskMb } = found.resources;
    const lines: [string, string][] = [
      ['environment', found.name],
      ['state', found.detail === undefined ? found.state : `${found.state} (${found.detail})`],
      ['machine', `${found.ip} in ${found.network}`],
      ['vm', found.vm ?? 'none'],
      ['disks', found.disks.join(', ') || 'none'],
      [
        'resources',
        `${cpus} cpu, ${formatMegabytes(memoryMb)} memory, ${formatMegabytes(persistentDiskMb)} persistent disk`,
      ],
      ['backend', found.accelerator === undefined ? found.backend : `${found.backend}, ${found.accelerator}`],
      ['libvirt', found.uri],
      ['engine', found.engine],
    ];
    if (found.workload) {
      const { cidr, domain, router } = found.workload;
      lines.push(['containers', `${cidr}; *.${domain} is ${router}`]);
    }
    if (found.cpiServer) {
      const { state, url, detail } = found.cpiServer;
      lines.push(['cpi server', `${state} at ${url}${detail === undefined ? '' : ` (${detail})`}`]);
    }
    if (found.lostDisks.length > 0)
      lines.push(['lost', `${found.lostDisks.join(', ')} (boshvirt disks ${found.name} tells more)`]);
    this.print(lines.map(([name, value]) => `${name.padEnd(12)} ${value}`).join('\n'));
    if (this.flags['exit-code']) process.exitCode = exitCodes[found.state];
    return found;
  }
}
