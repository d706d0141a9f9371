import type { Domain } from '../../clients/libvirt/index.ts';
import type { DiskCid } from '../backend.ts';
import { isVmCid } from './cids.ts';
import { readDiskClaim } from './disk-claims.ts';
import { isNoDomain } from './errors.ts';
import type { LibvirtHost } from './libvirt-host.ts';

/** A VM that has a disk. */
export interface DiskUser {
  readonly domain: Domain;
  /** Whether the running machine has it, not only the definition of its next start. */
  readonly live: boolean;
}

/**
 * Who has a disk, running or not; other people's domains count too. `mark` is what the XML of such a domain holds: the disk's
 * source as an attribute. Hold the disk's lock, or it may be old news.
 */
export async function domainWithDisk(
  host: LibvirtHost,
  disk: DiskCid,
  mark: string,
): Promise<DiskUser | undefined> {
  const candidates = await domainsThatMayHave(host, disk);
  const users = await Promise.all(candidates.map((domain) => userIn(domain, mark)));
  return users.find((user) => user?.live) ?? users.find((user) => user !== undefined);
}

/** The VM that the disk is claimed for and those that make no claims; all, if nobody keeps account of this disk. */
async function domainsThatMayHave(host: LibvirtHost, disk: DiskCid): Promise<Domain[]> {
  const [domains, claim] = await Promise.all([host.libvirt.listDomains(), readDiskClaim(host, disk)]);
  if (claim === undefined) return domains;
  return domains.filter(({ name }) => name === claim || !isVmCid(name));
}

async function userIn(domain: Domain, mark: string): Promise<DiskUser | undefined> {
  const has = (xml: string | undefined) => xml?.includes(mark) ?? false;
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
