import { asRoot, type Machine, machineAt, thisMachine } from '../../host/machine.ts';
import { privateHostNames } from '../../host/private-host/index.ts';
import type { TunnelEnd } from '../../host/tunnel/index.ts';
import { privateHostFolder } from '../paths.ts';
import type { EnvironmentRecord } from '../record.ts';
import { networkNamespaceOf } from '../session.ts';
import type { HostRecord, SshHost } from './hosts-record.ts';

type Environment = Pick<EnvironmentRecord, 'network'>;
type Joined = NonNullable<EnvironmentRecord['joined']>;

/** The machine that the environment itself is on, and the network of its bridges, which is the same unless libvirt is private. */
export interface NearPlaces {
  readonly machine: Machine;
  readonly bridges: Machine;
  readonly netnsPath: string | undefined;
}

/** As root. Throws PERMISSION if nobody lets us be. */
export async function nearPlaces(environment: Pick<EnvironmentRecord, 'host'>): Promise<NearPlaces> {
  const netnsPath = networkNamespaceOf(environment);
  const machine = await asRoot(thisMachine());
  if (netnsPath === undefined) return { machine, bridges: machine, netnsPath };
  const { prefix, name } = thisMachine(netnsPath);
  return { machine, bridges: { name, prefix: [...machine.prefix, ...prefix] }, netnsPath };
}

/** The end of a host's tunnel at the environment's own bridge. */
export function nearEnd(
  { network: { bridge } }: Environment,
  { tunnel }: Pick<HostRecord, 'tunnel'>,
  places: NearPlaces,
): TunnelEnd {
  const { device, id, port, near: local, far: remote, underlay, probe } = tunnel;
  return endHere(
    { device, id, port, local, remote },
    underlay,
    { bridge, address: `${probe.near}/30` },
    places,
  );
}

/** The other end, on a machine that has joined, at the bridge that it has for that. */
export function joinedEnd(
  { network: { bridge } }: Environment,
  { tunnel, underlay }: Joined,
  places: NearPlaces,
): TunnelEnd {
  const { device, id, port, near: remote, far: local, probe } = tunnel;
  return endHere(
    { device, id, port, local, remote },
    underlay,
    { bridge, address: `${probe.far}/30` },
    places,
  );
}

function endHere(
  tunnel: TunnelEnd['tunnel'],
  underlay: Joined['underlay'],
  at: { readonly bridge: string; readonly address: string },
  { machine, bridges, netnsPath }: NearPlaces,
): TunnelEnd {
  const isMoved = underlay === 'machine' && netnsPath !== undefined;
  return {
    tunnel,
    underlay: isMoved ? machine : bridges,
    place: bridges,
    namespace: isMoved ? privateHostNames(privateHostFolder()).netnsName : undefined,
    ...at,
  };
}

/** The end at the bridge of a host that ssh leads to. Throws PERMISSION if we may not be root there. */
export async function farEnd(host: SshHost): Promise<TunnelEnd> {
  const { device, id, port, near: remote, far: local, probe } = host.tunnel;
  const place = await asRoot(machineAt(host.uri));
  return {
    tunnel: { device, id, port, local, remote },
    underlay: place,
    place,
    bridge: host.network.bridge,
    address: `${probe.far}/30`,
  };
}
