import { BaseCommand } from '../command-line/base-command.ts';
import { table } from '../command-line/format.ts';
import { environmentArg } from '../command-line/shared-flags.ts';
import { formatMegabytes } from '../environment/sizes.ts';
import { type EnvironmentVm, vms } from '../environment/vms.ts';
import { formatBytes } from '../platform/amounts.ts';

export default class Vms extends BaseCommand<typeof Vms> {
  static override summary = 'List the VMs of an environment, whoever had them made.';
  static override description =
    'ON DISK is what a VM’s own disks take, without persistent disks. --json tells more: networks, stemcell, disks, snapshots, BOSH’s metadata.';
  static override examples = ['<%= config.bin %> vms', '<%= config.bin %> vms work --json'];
  static override enableJsonFlag = true;
  static override args = environmentArg;

  async run(): Promise<EnvironmentVm[]> {
    const found = await vms(this.args.environment, this.debugLog);
    if (found.length === 0) this.print('There are no VMs; boshvirt up makes the machine.');
    else {
      const heading = ['VM', 'INSTANCE', 'STATE', 'ADDRESS', 'CPU', 'MEMORY', 'ON DISK'];
      this.print(table([heading, ...found.flatMap(rowsOf)]));
    }
    return found;
  }
}

/** A row for each address beyond the first. */
function rowsOf(vm: EnvironmentVm): string[][] {
  const [first = '-', ...more] = vm.nics.flatMap((nic) => nic.ips);
  const row = [
    vm.cid,
    vm.instance ?? '-',
    vm.state,
    first,
    String(vm.cpus),
    formatMegabytes(vm.memoryMb),
    formatBytes(vm.bytesOnDisk),
  ];
  return [row, ...more.map((address) => ['', '', '', address])];
}
