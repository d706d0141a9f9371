import type { Domain } from '../../../clients/libvirt/index.ts';
import { escapeXml } from '../../../platform/template.ts';
import type { DiskCid } from '../../backend.ts';
import { isVmCid } from '../../on-libvirt/cids.ts';
import { readDiskClaim } from '../../on-libvirt/disk-claims.ts';
import { isNoDomain } from '../../on-libvirt/errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { diskVolume } from './volume-names.ts';

/** A VM that has a disk. */
export interface DiskUser {
  readonly domain: Domain;
  /** Whether the running machine has it, not only the definition of its next start. */
  readonly live: boolean;
}

/** Who has a disk, running or not; other people's domains count too. Hold the disk's lock, or it may be old news. */
export async function userOfDisk(host: LibvirtHost, disk: DiskCid): Promise<DiskUser | undefined> {
  const path = `${await host.poolPath()}/${diskVolume(disk)}`;
  const candidates = await domainsThatMayHave(host, disk);
  const users = await Promise.all(candidates.map((domain) => userIn(domain, path)));
  return users.find((user) => user?.live) ?? users.find((user) => user !== undefined);
}

/** The VM that the disk is claimed for and those that make no claims; all, if nobody keeps account of this disk. */
async function domainsThatMayHave(host: LibvirtHost, disk: DiskCid): Promise<Domain[]> {
  const [domains, claim] = await Promise.all([host.libvirt.listDomains(), readDiskClaim(host, disk)]);
  if (claim === undefined) return domains;
  return domains.filter(({ name }) => name === claim || !isVmCid(name));
}

async function userIn(domain: Domain, path: string): Promise<DiskUser | undefined> {
  const wanted = `file='${escapeXml(path)}'`;
  const has = (xml: string | undefined) => xml?.includes(wanted) ?? false;
  try {
    const [live, config] = await Promise.all([liveXml(domain), domain.xml({ inactive: true })]);
    return has(live) || has(config) ? { domain, live: has(live) } : undefined;
  } catch (error) {
    if (isNoDomain(error)) return undefined; // it went away meanwhile
    throw error;
  }
}

/** undefined for one that is off. */
async function liveXml(domain: Domain): Promise<string | undefined> {
  return (await domain.isActive()) ? await domain.xml() : undefined;
}
