import { BaseCommand } from '../../command-line/base-command.ts';
import { table } from '../../command-line/format.ts';
import { environmentFlag } from '../../command-line/shared-flags.ts';
import { type HostStatus, listHosts } from '../../environment/hosts/list-hosts.ts';

export default class HostList extends BaseCommand<typeof HostList> {
  static override summary = 'List the machines that an environment has VMs on, and how they are.';
  static override examples = ['<%= config.bin %> host list', '<%= config.bin %> host list --env work --json'];
  static override enableJsonFlag = true;
  static override flags = environmentFlag;

  async run(): Promise<HostStatus[]> {
    const found = await listHosts(this.flags.env, { log: this.debugLog, signal: this.signal });
    const heading = ['HOST', 'STATE', 'BACKEND', 'ADDRESS', 'VMS', 'LIBVIRT'];
    this.print(table([heading, ...found.map(rowOf)]));
    for (const { name, detail } of found) if (detail !== undefined) this.print(`${name}: ${detail}`);
    return found;
  }
}

const rowOf = ({ name, state, backend = '-', address = '-', vms, uri }: HostStatus): string[] => [
  name,
  state,
  backend,
  address,
  vms === undefined ? '-' : String(vms.length),
  uri,
];
