import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { backendNames } from '../cpi/backends/registry.ts';
import { inspectHostRange, pickFreeRange, rangesOverlap } from '../host/findings/index.ts';
import { withoutDriver } from '../host/libvirt-service.ts';
import { UserError } from '../platform/errors.ts';
import { hashFile } from '../stemcell/hash-file.ts';
import { needsCpiServer, refuseFarLibvirt } from './cpi-server/needs.ts';
import { chooseEngine } from './engines.ts';
import { objectNames, planNetwork } from './network-plan.ts';
import { privateHostFolder } from './paths.ts';
import { type EnvironmentRecord, profileNames, readableRecords } from './record.ts';
import { rangesOnLibvirt } from './taken-ranges.ts';
import { chosenStemcell, profileOf, resolveResources, type UpRequest } from './up-settings.ts';
import { decideWorkload } from './workload.ts';

/** The libvirt that an environment will live on, and what works with it. */
export interface ChosenHost {
  readonly backend: string;
  readonly uri: string;
  readonly host: EnvironmentRecord['host'];
}

/**
 * Decides everything about an environment that a person left open; what was decided before stays. Throws a UserError for
 * what cannot be: a range that the host uses already.
 */
export async function decideEnvironment(
  name: string,
  request: UpRequest,
  chosen: ChosenHost,
  before: EnvironmentRecord | undefined,
): Promise<EnvironmentRecord> {
  const names = objectNames(name);
  const profile = profileOf(request, before);
  if (needsCpiServer({ profile })) refuseFarLibvirt({ name, uri: chosen.uri });
  const ranges = await decideRanges(name, request, chosen, before);
  return {
    version: 1,
    name,
    profile,
    engine: await chooseEngine(request.engine ?? 'auto', before?.engine, profile),
    backend: chosen.backend,
    uri: chosen.uri,
    host: chosen.host,
    ...ranges,
    pool: before?.pool ?? { name: names.pool, path: poolPath(names.pool, chosen) },
    resources: resolveResources(request, before),
    ...optional('stemcell', chosenStemcell(request, before).stemcell),
    ...optional('agent', await decideAgent(request, before)),
    ...optional('stemcellFile', before?.stemcellFile),
    ...(profile === 'machine' ? {} : decideDirector(request, before)),
    ops: [...(request.ops ?? before?.ops ?? [])],
    varsFiles: [...(request.varsFiles ?? before?.varsFiles ?? [])],
    vars: { ...(request.vars ?? before?.vars ?? {}) },
    phase: before?.phase ?? 'preparing',
    ...optional('inputs', before?.inputs),
    ...optional('directorInputs', before?.directorInputs),
  };
}

/** What only an environment with a director has. */
function decideDirector(request: UpRequest, before: EnvironmentRecord | undefined) {
  const ref = request.boshDeployment ?? before?.boshDeployment ?? 'pinned';
  const stemcell = request.workloadStemcell ?? before?.workloadStemcell;
  return {
    boshDeployment: isRef(ref) ? ref : resolve(ref),
    ...optional('boshDeploymentFolder', before?.boshDeploymentFolder),
    ...optional(
      'workloadStemcell',
      stemcell === 'none' || stemcell === undefined ? stemcell : resolve(stemcell),
    ),
  };
}

/** Not a folder: see checkouts/checkout.ts. */
const isRef = (text: string): boolean => /^(pinned|[0-9a-f]{40})$/.test(text);

/** An agent that was named again is read again: its owner may have built it anew. */
async function decideAgent(
  request: UpRequest,
  before: EnvironmentRecord | undefined,
): Promise<EnvironmentRecord['agent']> {
  const { agent: path } = chosenStemcell(request, before);
  if (path === undefined) return undefined;
  return request.agent === undefined ? before?.agent : { path, sha256: await hashFile(path, 'sha256') };
}

/** Refuses a backend or a profile that this version does not have. Throws a UserError UNSUPPORTED. */
export function refuseUnknown({ backend, profile }: UpRequest): void {
  refuseOther('backend', backend, ['auto', ...backendNames]);
  refuseOther('profile', profile, profileNames);
}

function refuseOther(what: string, asked: string | undefined, known: readonly string[]): void {
  if (asked === undefined || known.includes(asked)) return;
  throw new UserError('UNSUPPORTED', `This version has no ${what} '${asked}'`, {
    hints: [`it has: ${known.join(', ')}`],
  });
}

/** What an environment has of all addresses: its network and what lies behind its machine. Throws ADDRESS_CONFLICT for what somebody has. */
export async function decideRanges(
  name: string,
  request: UpRequest,
  chosen: ChosenHost,
  before: EnvironmentRecord | undefined,
): Promise<Pick<EnvironmentRecord, 'network' | 'workload'>> {
  const network = await decideNetwork(name, request, chosen, before);
  if (profileOf(request, before) !== 'lite') return { network };
  return { network, workload: await decideWorkload(name, request, { chosen, network }, before) };
}

/** The range and the address in it. */
async function decideNetwork(
  name: string,
  request: UpRequest,
  chosen: ChosenHost,
  before: EnvironmentRecord | undefined,
): Promise<EnvironmentRecord['network']> {
  const { network, bridge } = objectNames(name);
  const asked = request.cidr === 'auto' ? undefined : request.cidr;
  const others = before ? [] : await readableRecords(name);
  const theirs = before ? [] : await rangesOnLibvirt(name, chosen);
  const taken = [...others.map((other) => other.network.cidr), ...theirs.map((range) => range.cidr)];
  const cidr = before?.network.cidr ?? asked ?? (await pickFreeRange(taken));
  const { gateway, ip } = planNetwork(cidr, before?.network.ip ?? request.ip);
  if (!before && asked !== undefined) {
    refuseTaken(
      cidr,
      others.filter((other) => withoutDriver(other.uri) === withoutDriver(chosen.uri)),
    );
    const clash = theirs.find((range) => rangesOverlap(cidr, range.cidr));
    if (clash) throw conflict(cidr, `${clash.cidr} of ${clash.owner}`);
    // a remote machine's routes cannot be seen from here, and a private host has a network namespace of its own
    if (chosen.host !== 'private' && !chosen.uri.includes('+ssh:')) await refuseClash(cidr, bridge);
  }
  return { name: network, bridge, cidr, gateway, ip };
}

function refuseTaken(cidr: string, others: readonly EnvironmentRecord[]): void {
  const owner = others.find((other) => rangesOverlap(cidr, other.network.cidr));
  if (owner) throw conflict(cidr, `${owner.network.cidr} of environment '${owner.name}'`);
}

async function refuseClash(cidr: string, bridge: string): Promise<void> {
  const clash = await inspectHostRange(cidr, bridge);
  if (clash) throw conflict(cidr, `${clash} of this machine`);
}

const conflict = (cidr: string, owner: string): UserError =>
  new UserError('ADDRESS_CONFLICT', `The range ${cidr} clashes with ${owner}`, {
    hints: ['choose another range with --network, or leave it out and boshvirt picks a free one'],
  });

/** Where an environment's storage lies on the machine of its libvirt. */
export function poolPath(pool: string, { host, uri }: ChosenHost): string {
  if (host === 'private') return `${privateHostFolder()}/pools/${pool}`;
  if (uri.includes('/session')) return `${homedir()}/.local/share/libvirt/${pool}`;
  return `/var/lib/libvirt/${pool}`;
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}
