import { type Domain, parseXml, type XmlElement } from '../../../clients/libvirt/index.ts';
import { isDiskCid } from '../../on-libvirt/cids.ts';
import { busOf, diskTarget } from './disk-targets.ts';

/** One disk of a domain as its XML shows it. */
export interface DomainDisk {
  readonly target: string;
  readonly path: string;
  /** A persistent disk's CID; undefined for the VM's own disks. */
  readonly diskCid: string | undefined;
}

/** The disks in a domain's XML that lie in files; ours all do. */
export function disksIn(domainXml: string): DomainDisk[] {
  return elementsIn(domainXml).flatMap((disk) => {
    const path = disk.child('source')?.attribute('file');
    const target = targetOf(disk);
    if (path === undefined || target === undefined) return [];
    const serial = disk.child('serial')?.text ?? '';
    return [{ target, path, diskCid: isDiskCid(serial) ? serial : undefined }];
  });
}

const elementsIn = (domainXml: string): XmlElement[] =>
  parseXml(domainXml).at('domain', 'devices')?.children('disk') ?? [];

const targetOf = (disk: XmlElement): string | undefined => disk.child('target')?.attribute('dev');

/**
 * The persistent disks of a VM: those of its definition and, while it runs, those that the running machine shows. The two
 * differ while a guest has not yet let go of a disk.
 */
export async function persistentDisks(
  domain: Domain,
): Promise<{ live: DomainDisk[] | undefined; config: DomainDisk[] }> {
  const [config, live] = await Promise.all([
    domain.xml({ inactive: true }),
    domain.isActive().then((active) => (active ? domain.xml() : undefined)),
  ]);
  const persistent = (xml: string) => disksIn(xml).filter((disk) => disk.diskCid !== undefined);
  return { live: live === undefined ? undefined : persistent(live), config: persistent(config) };
}

/**
 * The first name that none of these disks has, on the bus that the VM's own disks are on: vda … vdz, vdaa …; names need no
 * meaning (contract 1.3, dynamic disks).
 */
export function freeTarget(domainXmls: readonly string[]): string {
  const disks = domainXmls.flatMap(elementsIn);
  const taken = new Set(disks.map(targetOf));
  const root = disks.find((disk) => disk.child('serial')?.text === 'root');
  const bus = busOf((root && targetOf(root)) ?? '');
  for (let number = 0; ; number += 1) {
    const name = diskTarget(bus, number);
    if (!taken.has(name)) return name;
  }
}
