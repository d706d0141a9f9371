import { resolve } from 'node:path';
import { Flags, type Interfaces } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { table } from '../command-line/format.ts';
import { keyValues } from '../command-line/key-values.ts';
import { environmentArg, overlayFlags, yesFlag } from '../command-line/shared-flags.ts';
import { backendNames } from '../cpi/backends/registry.ts';
import { requestFromFiles, withoutGaps } from '../environment/config-file.ts';
import { hasDirector } from '../environment/director/index.ts';
import { downloadLock } from '../environment/download-lock.ts';
import { engineNames } from '../environment/engines.ts';
import { profileNames } from '../environment/record.ts';
import { parseMegabytes } from '../environment/sizes.ts';
import { type UpOutcome, up } from '../environment/up.ts';
import type { UpOptions } from '../environment/up-job.ts';
import { type SizeName, sizes, type UpRequest } from '../environment/up-settings.ts';
import { readVariables } from '../environment/variables.ts';
import { formatDuration } from '../platform/amounts.ts';

/** What an environment is to be: `up` makes it so, `plan` tells what that takes. */
export const upFlags = {
  backend: Flags.string({
    description: `hypervisor: auto, ${backendNames.join(', ')}`,
    env: 'BOSHVIRT_BACKEND',
  }),
  profile: Flags.string({
    description: `what comes up: ${profileNames.join(', ')} (default: lite)`,
    env: 'BOSHVIRT_PROFILE',
  }),
  engine: Flags.string({
    options: [...engineNames],
    description: 'who carries out create-env',
    env: 'BOSHVIRT_ENGINE',
  }),
  uri: Flags.string({ description: 'libvirt to use instead of the one found', env: 'BOSHVIRT_URI' }),
  size: Flags.string({
    options: Object.keys(sizes),
    description: 'resources by name',
    env: 'BOSHVIRT_SIZE',
  }),
  cpus: Flags.integer({ min: 1, max: 512, description: 'virtual processors', env: 'BOSHVIRT_CPUS' }),
  memory: Flags.string({ description: 'memory, such as 512M or 8GiB', env: 'BOSHVIRT_MEMORY' }),
  disk: Flags.string({ description: 'persistent disk, such as 10GiB', env: 'BOSHVIRT_DISK' }),
  'ephemeral-disk': Flags.string({
    description: 'ephemeral disk, such as 10GiB',
    env: 'BOSHVIRT_EPHEMERAL_DISK',
  }),
  network: Flags.string({ description: 'IPv4 range of the network, or auto', env: 'BOSHVIRT_NETWORK' }),
  ip: Flags.string({
    description: "the machine's address in the network (default: the tenth)",
    env: 'BOSHVIRT_IP',
  }),
  stemcell: Flags.string({
    description: 'stemcell tarball (default: the pinned one; for profile machine a small one, built here)',
    env: 'BOSHVIRT_STEMCELL',
  }),
  agent: Flags.string({
    description: 'a real bosh-agent to build into the small stemcell',
    exclusive: ['stemcell'],
    env: 'BOSHVIRT_AGENT',
  }),
  'bosh-deployment': Flags.string({
    description: 'a folder or a commit of bosh-deployment, or pinned',
    env: 'BOSHVIRT_BOSH_DEPLOYMENT',
  }),
  'workload-cidr': Flags.string({
    description: 'lite: IPv4 range of the containers (default: 10.244.0.0/16, or the next free one)',
    env: 'BOSHVIRT_WORKLOAD_CIDR',
  }),
  domain: Flags.string({
    description: 'lite: the domain whose names all lead to the router (default: bosh.test)',
    env: 'BOSHVIRT_DOMAIN',
  }),
  'workload-stemcell': Flags.string({
    description: 'with a director: stemcell tarball for deployments, or none (default: fetched)',
    env: 'BOSHVIRT_WORKLOAD_STEMCELL',
  }),
  offline: Flags.boolean({ description: 'fetch nothing', env: 'BOSHVIRT_OFFLINE' }),
  ...overlayFlags,
  recreate: Flags.boolean({ description: 'delete the VM and make it anew; the persistent disk stays' }),
  'adopt-disk': Flags.string({
    description: 'make the VM anew with this persistent disk, one that boshvirt disks calls lost',
  }),
  config: Flags.string({
    description: 'configuration file instead of the one found',
    env: 'BOSHVIRT_CONFIG',
  }),
};

type UpFlags = Interfaces.InferredFlags<typeof upFlags>;

export default class Up extends BaseCommand<typeof Up> {
  static override summary = 'Bring an environment up, or repair it: run it again at any time.';
  static override description =
    'Finds what this machine lacks and installs it (after asking), starts a libvirt of its own where none answers, makes ' +
    'storage and network, fetches stemcells and releases, has the bosh CLI create a director, and gives it what it needs to ' +
    'deploy. Everything asked for is kept: later runs need no flags.';
  static override examples = [
    '<%= config.bin %> up --yes',
    '<%= config.bin %> up work --profile director --network 192.168.77.0/24',
    '<%= config.bin %> up one --profile machine --size dev',
  ];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    ...yesFlag,
    ...upFlags,
    'update-lock': Flags.boolean({
      description: 'accept what an address gives now, though boshvirt.lock has other bytes for it',
    }),
  };

  async run(): Promise<UpOutcome['record'] & { changed: boolean }> {
    const start = performance.now();
    const { environment } = this.args;
    const request = await requestOf(environment, this.flags);
    const lock = { configPath: this.flags.config, update: this.flags['update-lock'] };
    const options = {
      ...optionsOf(this.flags, this.boshvirtCommand),
      downloadLock: await downloadLock(environment, lock),
    };
    const { record, changed } = await up(environment, request, options, this.caller(this.flags));
    const named = environment === 'default' ? '' : ` ${environment}`;
    this.print(
      `${changed ? 'Environment' : 'Nothing to do: environment'} '${environment}' is up (${formatDuration(performance.now() - start)}).`,
    );
    this.print(`  machine   ${record.network.ip}, agent at https://${record.network.ip}:6868`);
    if (hasDirector(record)) this.print(`  director  https://${record.network.ip}:25555`);
    if (record.workload)
      this.print(`  apps      *.${record.workload.domain}, containers in ${record.workload.cidr}`);
    this.print(`  libvirt   ${record.uri}${record.host === 'private' ? ' (private to boshvirt)' : ''}`);
    this.print('Next:');
    const next = [
      [`boshvirt status${named}`, 'how it is'],
      ...(hasDirector(record)
        ? [[`boshvirt exec${named} -- bosh env`, 'bosh, logged in to the director']]
        : []),
      [`boshvirt ssh${named}`, 'a shell on the machine'],
      [`boshvirt snapshot create${named} -n first`, 'keep this state'],
      [`boshvirt down${named}`, 'delete it all'],
    ];
    this.print(table(next.map((row) => ['', ...row])));
    return { ...record, changed };
  }
}

/** How `up` goes about it. */
export const optionsOf = (flags: UpFlags, boshvirtCommand: string): UpOptions => ({
  recreate: flags.recreate,
  offline: flags.offline,
  adoptDisk: flags['adopt-disk'],
  boshvirtCommand,
});

/** What was typed, over what the configuration files say. */
export async function requestOf(environment: string, flags: UpFlags): Promise<UpRequest> {
  return { ...(await requestFromFiles(environment, flags.config)), ...withoutGaps(typed(flags)) };
}

function typed(flags: UpFlags): UpRequest {
  const megabytes = (flag: 'memory' | 'disk' | 'ephemeral-disk') => {
    const value = flags[flag];
    return value === undefined ? undefined : parseMegabytes(value, `--${flag}`);
  };
  return {
    backend: flags.backend,
    profile: flags.profile,
    engine: flags.engine,
    uri: flags.uri,
    size: flags.size as SizeName | undefined,
    cpus: flags.cpus,
    memoryMb: megabytes('memory'),
    persistentDiskMb: megabytes('disk'),
    ephemeralDiskMb: megabytes('ephemeral-disk'),
    cidr: flags.network,
    ip: flags.ip,
    stemcell: flags.stemcell,
    agent: flags.agent,
    boshDeployment: flags['bosh-deployment'],
    workloadCidr: flags['workload-cidr'],
    domain: flags.domain,
    workloadStemcell: flags['workload-stemcell'],
    ops: flags['ops-file']?.map((path) => resolve(path)),
    vars: flags.var && readVariables(keyValues(flags.var, '--var')),
    varsFiles: flags['vars-file']?.map((path) => resolve(path)),
  };
}
