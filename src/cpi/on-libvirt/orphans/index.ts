import type { Orphan, Owners } from '../../backend.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { allNetworks } from '../networks/look-up.ts';
import { vmRecords } from '../vm-records.ts';
import { orphanNetworks } from './networks.ts';
import { orphanPools } from './pools.ts';
import type { Remains } from './remains.ts';
import { orphanReservations } from './reservations.ts';
import { orphanVolumes } from './volumes.ts';

export type { Remains } from './remains.ts';

/** In the order in which they can go: a pool last, when it is empty. */
const shared = [orphanVolumes, orphanReservations, orphanNetworks, orphanPools];

/** What nothing needs in an environment's ground; `own`: what the backend itself leaves besides. */
export async function findOrphans(
  host: LibvirtHost,
  own: readonly Remains[],
  owners: Owners,
): Promise<Orphan[]> {
  const found: Orphan[] = [];
  for (const remains of [...own, ...shared]) found.push(...(await remains.find(host, owners)));
  return found;
}

/** Looks again and takes it away; false if something needs it by now, or it is gone. */
export async function removeOrphan(
  host: LibvirtHost,
  own: readonly Remains[],
  { kind, name }: Orphan,
  owners: Owners,
): Promise<boolean> {
  for (const remains of [...own, ...shared].filter((each) => each.kind === kind)) {
    if (!(await remains.find(host, owners)).some((orphan) => orphan.name === name)) continue;
    await remains.remove(host, name);
    return true;
  }
  return false;
}

/** Names of the environments that have VMs, networks or a storage pool on this libvirt. */
export async function environmentsOn({ libvirt }: LibvirtHost): Promise<string[]> {
  const [records, networks, pools] = await Promise.all([
    vmRecords(libvirt),
    allNetworks(libvirt),
    libvirt.listPools(),
  ]);
  const names = [
    ...records.map(({ environment }) => environment),
    ...networks.map(({ environment }) => environment),
    ...pools.map(({ name }) => /^boshvirt-([a-z][a-z0-9-]*)$/.exec(name)?.[1]),
  ];
  return [...new Set(names.flatMap((name) => name || []))].sort();
}
