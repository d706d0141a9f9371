import { basename } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { environmentFlag } from '../../command-line/shared-flags.ts';
import { addHost } from '../../environment/hosts/add-host.ts';
import type { HostRecord } from '../../environment/hosts/hosts-record.ts';

interface Added extends Pick<HostRecord, 'name' | 'phase' | 'kind' | 'environment'> {
  readonly address: string;
  readonly invitation: string | undefined;
}

export default class HostAdd extends BaseCommand<typeof HostAdd> {
  static override summary =
    'Give an environment another machine to have VMs on, or repair what it has there.';
  static override description =
    'For environments of profile director. Lays storage and network on the libvirt that ssh leads to, makes the environment’s ' +
    'network longer onto it by a tunnel (VXLAN, not encrypted), and tells the director: an entry of its cpi-config for the host, ' +
    'availability zones spread over all hosts. It takes root on both machines, or sudo without a password. With an address and ' +
    'no URI the boshvirt of the other machine does its part itself: an invitation is written, for boshvirt host join there.';
  static override examples = [
    '<%= config.bin %> host add second --uri qemu+ssh://root@10.0.0.2/system',
    '<%= config.bin %> host add second --env work --uri qemu+ssh://root@box/system --address 10.8.0.2',
    '<%= config.bin %> host add second --address 10.0.0.2',
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

  async run(): Promise<Added> {
    const { env, uri, address, 'tunnel-port': port } = this.flags;
    const { name } = this.args;
    const added = await addHost(env, name, { uri, address, port }, this.caller({ yes: false }));
    const { host, invitation } = added;
    if (invitation === undefined)
      this.print(`Environment '${env}' has host '${name}' at ${host.tunnel.far}.`);
    else {
      this.print(
        `Host '${name}' has to join. Copy ${invitation}, which holds a private key, to ${host.tunnel.far}; there, then here:`,
      );
      this.print(`  boshvirt host join ${basename(invitation)}\n  boshvirt host add ${name} --env ${env}`);
    }
    const { phase, kind, environment, tunnel } = host;
    return { name, phase, kind, environment, address: tunnel.far, invitation };
  }
}
