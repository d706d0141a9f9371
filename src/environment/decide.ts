import { resolve } from 'node:path';
import { backendNames } from '../cpi/backends/registry.ts';
import { inspectHostRange, pickFreeRange } from '../host/findings/index.ts';
import { UserError } from '../platform/errors.ts';
import { chooseEngine } from './engines.ts';
import { objectNames, planNetwork } from './network-plan.ts';
import { privateHostFolder } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import { resolveResources, type UpRequest } from './up-settings.ts';

/** The libvirt that an environment will live on. */
export interface ChosenHost {
  readonly uri: string;
  readonly host: EnvironmentRecord['host'];
}

/**
 * Decides everything about an environment that a person left open; what was decided before stays. Throws a UserError for
 * what cannot be: an unknown backend, a range that the host uses already.
 */
export async function decideEnvironment(
  name: string,
  request: UpRequest,
  chosen: ChosenHost,
  before: EnvironmentRecord | undefined,
): Promise<EnvironmentRecord> {
  const names = objectNames(name);
  return {
    version: 1,
    name,
    backend: before?.backend ?? chooseBackend(request.backend),
    profile: chooseProfile(request.profile),
    engine: await chooseEngine(request.engine ?? 'auto', before?.engine),
    ...chosen,
    network: await decideNetwork(request, names, chosen, before),
    pool: before?.pool ?? { name: names.pool, path: poolPath(names.pool, chosen) },
    resources: resolveResources(request, before),
    ...optional('stemcell', request.stemcell === undefined ? before?.stemcell : resolve(request.stemcell)),
    ...optional('stemcellFile', before?.stemcellFile),
    ops: [...(request.ops ?? before?.ops ?? [])],
    varsFiles: [...(request.varsFiles ?? before?.varsFiles ?? [])],
    vars: { ...(request.vars ?? before?.vars ?? {}) },
    phase: before?.phase ?? 'preparing',
    ...optional('inputs', before?.inputs),
  };
}

function chooseBackend(asked = 'auto'): string {
  if (asked === 'auto') return 'qemu';
  if ((backendNames as string[]).includes(asked)) return asked;
  throw new UserError('UNSUPPORTED', `There is no backend '${asked}'`, {
    hints: [`choose one of auto, ${backendNames.join(', ')}`],
  });
}

function chooseProfile(asked = 'machine'): 'machine' {
  if (asked === 'machine') return asked;
  throw new UserError('UNSUPPORTED', `There is no profile '${asked}'`, {
    hints: ['this version knows: machine'],
  });
}

async function decideNetwork(
  request: UpRequest,
  names: ReturnType<typeof objectNames>,
  { host, uri }: ChosenHost,
  before: EnvironmentRecord | undefined,
): Promise<EnvironmentRecord['network']> {
  const asked = request.cidr === 'auto' ? undefined : request.cidr;
  const cidr = before?.network.cidr ?? asked ?? (await pickFreeRange());
  const { gateway, ip } = planNetwork(cidr, request.ip ?? before?.network.ip);
  // a remote machine's routes cannot be seen from here, and a private host has a network namespace of its own
  const shared = host !== 'private' && !uri.includes('+ssh:');
  if (!before && asked !== undefined) await refuseClash(cidr, names.bridge, shared);
  return { name: names.network, bridge: names.bridge, cidr, gateway, ip };
}

async function refuseClash(cidr: string, bridge: string, shared: boolean): Promise<void> {
  if (!shared) return;
  const clash = await inspectHostRange(cidr, bridge);
  if (!clash) return;
  throw new UserError('ADDRESS_CONFLICT', `The range ${cidr} clashes with ${clash} of this machine`, {
    hints: ['choose another range with --network, or leave it out and boshvirt picks a free one'],
  });
}

function poolPath(pool: string, { host, uri }: ChosenHost): string {
  if (host === 'private') return `${privateHostFolder()}/pools/${pool}`;
  if (uri.includes('/session')) return `${process.env.HOME}/.local/share/libvirt/${pool}`;
  return `/var/lib/libvirt/${pool}`;
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}
