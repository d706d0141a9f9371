import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { backendNames } from '../../cpi/backends/registry.ts';
import { joinHere } from '../../environment/hosts/join-here.ts';

interface Joined {
  readonly name: string;
  readonly backend: string;
  readonly uri: string;
  readonly address: string;
}

export default class HostJoin extends BaseCommand<typeof HostJoin> {
  static override summary = 'Make this machine a host of an environment of another one, or repair it.';
  static override description =
    'With the file that boshvirt host add --address has written there; it holds a private key. Lays storage and a bridge here, ' +
    'makes this end of the tunnel, and serves the CPI through it. It takes root, or sudo without a password.';
  static override examples = ['<%= config.bin %> host join second.invitation'];
  static override enableJsonFlag = true;
  static override args = {
    invitation: Args.string({ description: 'the file', required: true }),
  };
  static override flags = {
    backend: Flags.string({
      description: `hypervisor: auto, ${backendNames.join(', ')}`,
      env: 'BOSHVIRT_BACKEND',
    }),
    uri: Flags.string({ description: 'libvirt to use instead of the one found', env: 'BOSHVIRT_URI' }),
  };

  async run(): Promise<Joined> {
    const { backend, uri } = this.flags;
    const record = await joinHere(
      resolve(this.args.invitation),
      { backend, uri },
      this.caller({ yes: false }),
    );
    const { name } = record;
    this.print(
      `This machine is a host now, as '${name}'. On the environment's machine, run host add once more.`,
    );
    this.print(`  boshvirt status ${name}   how it is\n  boshvirt down ${name}     end it, with its VMs`);
    return { name, backend: record.backend, uri: record.uri, address: record.network.gateway };
  }
}
