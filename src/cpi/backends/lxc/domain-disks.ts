import { type Domain, parseXml, type XmlElement } from '../../../clients/libvirt/index.ts';
import { fillTemplate } from '../../../platform/template.ts';
import type { DiskCid } from '../../backend.ts';
import { isDiskCid } from '../../on-libvirt/cids.ts';
import { deviceLink } from './loop-devices.ts';

/** A persistent disk of a domain as its XML shows it; a container's own disks are file systems there. */
export interface DomainDisk {
  readonly cid: DiskCid;
  /** Its name in the container's /dev. */
  readonly target: string;
}

/** The persistent disks in a domain's XML. */
export function disksIn(domainXml: string): DomainDisk[] {
  return elementsIn(domainXml).flatMap((disk) => {
    const cid = disk.child('serial')?.text ?? '';
    const target = targetOf(disk);
    return isDiskCid(cid) && target !== undefined ? [{ cid: cid as DiskCid, target }] : [];
  });
}

/** The persistent disks of a VM: those of its definition and, while it runs, those that the running container shows. */
export async function persistentDisks(
  domain: Domain,
): Promise<{ live: DomainDisk[] | undefined; config: DomainDisk[] }> {
  const [config, live] = await Promise.all([
    domain.xml({ inactive: true }),
    domain.isActive().then((active) => (active ? domain.xml() : undefined)),
  ]);
  return { live: live === undefined ? undefined : disksIn(live), config: disksIn(config) };
}

export function diskXml({ cid, target }: DomainDisk): string {
  return fillTemplate('lxc/disk.xml', { path: deviceLink(cid), target, serial: cid });
}

/**
 * The first name that none of these domains' disks has: ubda, ubdb … libvirt takes few prefixes, and this one is no machine's
 * that containers run on: what a container sees of the host's own disks, in its list of mounts, must not look like its own.
 */
export function freeTarget(domainXmls: readonly string[]): string {
  const taken = new Set(domainXmls.flatMap(elementsIn).map(targetOf));
  for (let at = 0; ; at += 1) {
    const name = `ubd${letters(at)}`;
    if (!taken.has(name)) return name;
  }
}

const elementsIn = (domainXml: string): XmlElement[] =>
  parseXml(domainXml).at('domain', 'devices')?.children('disk') ?? [];

const targetOf = (disk: XmlElement): string | undefined => disk.child('target')?.attribute('dev');

/** 0 → a, 25 → z, 26 → aa. */
function letters(at: number): string {
  const last = String.fromCharCode(97 + (at % 26));
  return at < 26 ? last : letters(Math.floor(at / 26) - 1) + last;
}
