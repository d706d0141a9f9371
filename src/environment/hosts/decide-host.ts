import type { BackendModule } from '../../cpi/backend.ts';
import { findLibvirt } from '../../host/libvirt-service.ts';
import { cpuinfoOf, machineAt, wayOf } from '../../host/machine.ts';
import { findWay } from '../../host/tunnel/index.ts';
import { UserError } from '../../platform/errors.ts';
import { allBackends } from '../choose-backend.ts';
import type { EnvironmentRecord } from '../record.ts';
import { nearPlaces } from './ends.ts';
import { type HostRecord, type HostsRecord, readHosts, type SshHost, writeHosts } from './hosts-record.ts';
import { invitationPath, invite, writeInvitation } from './invitation.ts';
import { planHost, planSshHost } from './plan-host.ts';

/** What a person says of a host. A new one needs a URI, or an address: then it serves its CPI itself. */
export interface HostRequest {
  readonly uri?: string | undefined;
  /** An IPv4 address of the host for the tunnel, instead of the one that ssh comes to. */
  readonly address?: string | undefined;
  /** UDP, of the tunnel. */
  readonly port?: number | undefined;
}

const usualPort = 4789; // VXLAN's own (IANA)

/** The host as it is known, or all about a new one. Throws a UserError for what cannot be, HYPERVISOR if it does not answer. */
export async function decideHost(
  record: EnvironmentRecord,
  name: string,
  request: HostRequest,
  signal: AbortSignal,
): Promise<HostRecord> {
  const before = (await readHosts(record.name)).hosts.find((host) => host.name === name);
  if (before) {
    refuseMove(before, request);
    return before;
  }
  if (request.uri !== undefined) return await decideSshHost(record, name, request.uri, request, signal);
  if (request.address !== undefined) return await inviteHost(record, name, request.address, request);
  throw new UserError('USAGE', `There is no host '${name}' yet, and nothing says where it is`, {
    hints: [
      'name a libvirt that ssh leads to: --uri qemu+ssh://root@HOST/system',
      'or the address of a machine whose own boshvirt is to join: --address IP',
    ],
  });
}

async function decideSshHost(
  record: EnvironmentRecord,
  name: string,
  uri: string,
  { address, port = usualPort }: HostRequest,
  signal: AbortSignal,
): Promise<HostRecord> {
  const module = await backendFor(uri);
  await findLibvirt(uri, { driver: '', signal });
  const machine = machineAt(uri);
  const there = { name: machine.name, machine };
  const way = await findWay(there, address, await nearPlaces(record));
  refuseMixed(record, await readHosts(record.name), { kind: 'ssh', underlay: way.underlay });
  const options = ((await module.optionsElsewhere?.(await cpuinfoOf(machine))) ?? {}) as SshHost['options'];
  const { id } = await readHosts(record.name);
  return planSshHost(record.name, id, { name, uri, backend: module.name, options, port, ...way });
}

/** Writes what a machine needs to join, which goes there by the person's hand. */
async function inviteHost(
  record: EnvironmentRecord,
  name: string,
  address: string,
  { port = usualPort }: HostRequest,
): Promise<HostRecord> {
  const way = await findWay({ name }, address, await nearPlaces(record));
  const hosts = await readHosts(record.name);
  refuseMixed(record, hosts, { kind: 'served', underlay: way.underlay });
  const { host, invitation } = await invite(planHost(record.name, hosts.id, { name, port, ...way }));
  await writeInvitation(invitationPath(record.name, name), invitation);
  await writeHosts(record.name, { ...hosts, hosts: [...hosts.hosts, host] });
  return host;
}

/**
 * The CPI's calls are in one network: that of a private host's bridges, where tunnels to served hosts end, or the machine's, from where
 * ssh goes. Throws UNSUPPORTED for hosts that need both.
 */
export function refuseMixed(
  { host: own }: Pick<EnvironmentRecord, 'host'>,
  { hosts }: HostsRecord,
  wanted: { readonly kind: HostRecord['kind']; readonly underlay: HostRecord['tunnel']['underlay'] },
): void {
  const all = [...hosts.map(({ kind, tunnel: { underlay } }) => ({ kind, underlay })), wanted];
  const byMachine = all.some(({ kind, underlay }) => kind === 'ssh' && underlay === 'machine');
  if (own !== 'private' || !byMachine || all.every(({ kind }) => kind === 'ssh')) return;
  throw new UserError(
    'UNSUPPORTED',
    'With a private libvirt host, hosts by ssh and hosts that serve their own CPI do not go together',
    { hints: ['add all of them in the same way: with --uri, or all with --address alone'] },
  );
}

/** The backend that works on a libvirt that ssh leads to. */
async function backendFor(uri: string): Promise<BackendModule> {
  const { driver, bySsh } = wayOf(uri);
  if (!bySsh)
    throw new UserError('USAGE', `${uri} leads to no other machine`, {
      hints: ['a host is reached by ssh: --uri qemu+ssh://root@HOST/system'],
    });
  const backends = await allBackends();
  const found = backends.find(({ drivers, remote }) => remote && drivers.includes(driver));
  if (found) return found;
  const able = backends.filter(({ remote }) => remote).flatMap(({ drivers }) => drivers);
  throw new UserError('UNSUPPORTED', `boshvirt works with libvirt's ${driver} on its own machine alone`, {
    hints: [
      'let the boshvirt of that machine join: --address IP instead of --uri',
      `through ssh it works with: ${able.join(', ')}`,
    ],
  });
}

function refuseMove(host: HostRecord, { uri, address, port }: HostRequest): void {
  const moves = [
    ['--uri', uri, host.kind === 'ssh' ? host.uri : 'none'],
    ['--address', address, host.tunnel.far],
    ['--tunnel-port', port, host.tunnel.port],
  ] as const;
  for (const [flag, asked, there] of moves) {
    if (asked === undefined || asked === there) continue;
    throw new UserError(
      'USAGE',
      `Host '${host.name}' was added with ${flag} ${there}; it cannot become ${asked}`,
      {
        hints: [`boshvirt host remove ${host.name}, then add it again`, 'or give the new host another name'],
      },
    );
  }
  if (host.phase !== 'leaving') return;
  throw new UserError('USAGE', `Host '${host.name}' is being removed`, {
    hints: [`boshvirt host remove ${host.name} ends that; then add it again`],
  });
}
