import { type Domain, parseXml, type XmlElement } from '../../../clients/libvirt/index.ts';
import { isDiskCid } from '../../on-libvirt/cids.ts';

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

/** The first virtio-blk name that none of these disks has: vda … vdz, vdaa …; names need no meaning (contract 1.3, dynamic disks). */
export function freeTarget(domainXmls: readonly string[]): string {
  const taken = new Set(domainXmls.flatMap(elementsIn).map(targetOf));
  for (let at = 0; ; at += 1) {
    const name = `vd${letters(at)}`;
    if (!taken.has(name)) return name;
  }
}

/** 0 → a, 25 → z, 26 → aa. */
function letters(at: number): string {
  const last = String.fromCharCode(97 + (at % 26));
  return at < 26 ? last : letters(Math.floor(at / 26) - 1) + last;
}
