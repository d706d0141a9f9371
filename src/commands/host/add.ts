import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentFlag } from '../../command-line/shared-flags.ts';
import { addHost } from '../../environment/hosts/add-host.ts';
import type { HostRecord } from '../../environment/hosts/hosts-record.ts';

export default class HostAdd extends BaseCommand<typeof HostAdd> {
  static override summary =
    'Give an environment another machine to have VMs on, or repair what it has there.';
  static override description =
    'For environments of profile director. Lays storage and network on the libvirt that ssh leads to, makes the environment’s ' +
    'network longer onto it by a tunnel (VXLAN, not encrypted), and tells the director: an entry of its cpi-config for the host, ' +
    'availability zones spread over all hosts. It takes root on both machines, or sudo without a password.';
  static override examples = [
    '<%= config.bin %> host add second --uri qemu+ssh://root@10.0.0.2/system',
    '<%= config.bin %> host add second --env work --uri qemu+ssh://root@box/system --address 10.8.0.2',
  ];
  static override enableJsonFlag = true;
  static override args = {
    name: Args.string({ description: 'name of the host, for the director and for people', required: true }),
  };
  static override flags = {
    ...environmentFlag,
    uri: Flags.string({ description: 'libvirt of the host: qemu+ssh://[user@]host[:port]/system' }),
    address: Flags.string({
      description: 'IPv4 address of the host for the tunnel (default: the one that ssh comes to)',
    }),
    'tunnel-port': Flags.integer({
      min: 1,
      max: 65535,
      description: 'UDP port of the tunnel (default: 4789)',
    }),
  };

  async run(): Promise<HostRecord> {
    const { env, uri, address, 'tunnel-port': port } = this.flags;
    const host = await addHost(env, this.args.name, { uri, address, port }, this.caller({ yes: false }));
    this.print(`Environment '${env}' has host '${host.name}' (${host.uri}).`);
    return host;
  }
}
