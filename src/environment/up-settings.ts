import { resolve } from 'node:path';
import { UserError } from '../platform/errors.ts';
import type { EnvironmentRecord, ProfileName } from './record.ts';

/** Sizes by name: a machine that just answers, one to work on, one for Cloud Foundry. */
export const sizes = {
  tiny: { cpus: 1, memoryMb: 512, ephemeralDiskMb: 1024, persistentDiskMb: 1024 },
  // what bosh-deployment gives a director on one machine: virtualbox/cpi.yml, disk_pools in bosh.yml
  dev: { cpus: 4, memoryMb: 6144, ephemeralDiskMb: 16_384, persistentDiskMb: 65_536 },
  cf: { cpus: 6, memoryMb: 16_384, ephemeralDiskMb: 65_536, persistentDiskMb: 102_400 },
} as const;
export type SizeName = keyof typeof sizes;

/** What a person asked for, by flags, variables and files; what nobody said is undefined. */
export interface UpRequest {
  readonly backend?: string | undefined;
  readonly profile?: string | undefined;
  readonly engine?: string | undefined;
  readonly uri?: string | undefined;
  readonly size?: SizeName | undefined;
  readonly cpus?: number | undefined;
  readonly memoryMb?: number | undefined;
  readonly ephemeralDiskMb?: number | undefined;
  readonly persistentDiskMb?: number | undefined;
  readonly cidr?: string | undefined;
  readonly ip?: string | undefined;
  readonly stemcell?: string | undefined;
  /** A real bosh-agent for the probe stemcell, instead of boshvirt's own. */
  readonly agent?: string | undefined;
  /** A folder, a commit of bosh-deployment, or `pinned`. */
  readonly boshDeployment?: string | undefined;
  /** The range of a lite environment's containers. */
  readonly workloadCidr?: string | undefined;
  /** The domain whose names all lead into a lite environment. */
  readonly domain?: string | undefined;
  /** Of deployments: a tarball, or `none`. */
  readonly workloadStemcell?: string | undefined;
  readonly ops?: readonly string[] | undefined;
  readonly vars?: EnvironmentRecord['vars'] | undefined;
  readonly varsFiles?: readonly string[] | undefined;
}

export type Resources = EnvironmentRecord['resources'];

/** Below it the CPI makes no VM, and says so when all else is made already. */
const leastMemoryMb = 64;

/** Throws a UserError for resources that no machine can have. */
export function refuseImpossible({ memoryMb }: UpRequest): void {
  if (memoryMb === undefined || memoryMb >= leastMemoryMb) return;
  throw new UserError('USAGE', `${memoryMb} MiB of memory are too little for a machine`, {
    hints: [`ask for ${leastMemoryMb} MiB at the least`],
  });
}

/** Resources asked for, over those that the environment has, over the size's, over what its profile needs at the least. */
export function resolveResources(request: UpRequest, record: EnvironmentRecord | undefined): Resources {
  const usual = profileOf(request, record) === 'machine' ? sizes.tiny : sizes.dev;
  const base = request.size ? sizes[request.size] : (record?.resources ?? usual);
  return {
    cpus: request.cpus ?? base.cpus,
    memoryMb: request.memoryMb ?? base.memoryMb,
    ephemeralDiskMb: request.ephemeralDiskMb ?? base.ephemeralDiskMb,
    persistentDiskMb: request.persistentDiskMb ?? base.persistentDiskMb,
  };
}

/** What stands, what was asked for, or the usual. */
export function profileOf(request: UpRequest, record: EnvironmentRecord | undefined): ProfileName {
  return record?.profile ?? (request.profile as ProfileName | undefined) ?? 'lite';
}

/**
 * The stemcell's file or, for the probe stemcell, the agent to build in; the one that was asked for last. Neither: the probe
 * stemcell with its own agent.
 */
export function chosenStemcell(
  request: UpRequest,
  before: EnvironmentRecord | undefined,
): { stemcell?: string | undefined; agent?: string | undefined } {
  if (request.stemcell !== undefined) return { stemcell: resolve(request.stemcell) };
  if (request.agent !== undefined) return { agent: resolve(request.agent) };
  return { stemcell: before?.stemcell, agent: before?.agent?.path };
}

/** What cannot change under a standing environment. Throws a UserError that says what stands there. */
export function refuseMove(request: UpRequest, record: EnvironmentRecord): void {
  const named = (asked: string | undefined) => (asked === 'auto' ? undefined : asked);
  const moves: [string, string | undefined, string][] = [
    ['--backend', named(request.backend), record.backend],
    ['--profile', request.profile, record.profile],
    ['--uri', request.uri, record.uri],
    ['--workload-cidr', record.workload && named(request.workloadCidr), record.workload?.cidr ?? 'none'],
    ['--network', named(request.cidr), record.network.cidr],
    ['--ip', request.ip, record.network.ip], // the agent's certificate is for that address
  ];
  for (const [flag, asked, there] of moves) {
    if (asked === undefined || asked === there) continue;
    throw new UserError(
      'USAGE',
      `Environment '${record.name}' was made with ${flag} ${there}; it cannot become ${asked}`,
      {
        hints: [
          `boshvirt down ${record.name}, then up again`,
          'or give the new environment another name: boshvirt up NAME',
        ],
      },
    );
  }
}
