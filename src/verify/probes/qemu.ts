import type { HypervisorProbe } from '../hypervisor-probe.ts';
import { type LibvirtPlace, virshProbe } from '../virsh.ts';

/** QEMU's VMs, as virsh shows them. */
export function probe(place: LibvirtPlace): HypervisorProbe {
  return virshProbe(place, { disksIn, writableImagesIn });
}

const disksIn = (xml: string): string[] =>
  [...xml.matchAll(/<serial>(disk-[0-9a-f]+)<\/serial>/g)].map(([, cid = '']) => cid);

/** Each disk's topmost file; what lies below it as a backing file nobody writes to. */
function writableImagesIn(xml: string): string[] {
  return [...xml.matchAll(/<disk .*?<\/disk>/gs)]
    .map(([disk]) => disk)
    .filter((disk) => !disk.includes('<readonly/>'))
    .map((disk) => /<source file='([^']+)'/.exec(disk)?.[1])
    .filter((path) => path !== undefined);
}
