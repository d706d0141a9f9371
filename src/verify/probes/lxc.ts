import type { HypervisorProbe } from '../hypervisor-probe.ts';
import { type LibvirtPlace, virshProbe } from '../virsh.ts';

/** Containers of libvirt's LXC driver, as virsh shows them. */
export function probe(place: LibvirtPlace): HypervisorProbe {
  return virshProbe(place, { disksIn, writableImagesIn });
}

const disksIn = (xml: string): string[] =>
  [...xml.matchAll(/<source dev='[^']*\/(disk-[0-9a-f]+)'\/>/g)].map(([, cid = '']) => cid);

/** What a container has as its file systems, bound or mounted, and the devices of its disks. */
function writableImagesIn(xml: string): string[] {
  return [...xml.matchAll(/<(filesystem|disk) .*?<\/\1>/gs)]
    .map(([device]) => device)
    .filter((device) => !device.includes('<readonly/>'))
    .map((device) => /<source (?:file|dev|dir)='([^']+)'/.exec(device)?.[1])
    .filter((path) => path !== undefined);
}
