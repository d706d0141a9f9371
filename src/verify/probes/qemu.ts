import type { HypervisorProbe } from '../hypervisor-probe.ts';
import { fileHolds, type LibvirtPlace, Virsh } from '../virsh.ts';

/** QEMU's VMs, as virsh shows them. */
export function probe(place: LibvirtPlace): HypervisorProbe {
  const virsh = new Virsh(place);
  return {
    vms: async () => await virsh.vms(),
    state: async (vm) => await virsh.state(vm),
    disksOf: async (vm) =>
      [...(await virsh.definition(vm)).matchAll(/<serial>(disk-[0-9a-f]+)<\/serial>/g)].map(
        ([, cid = '']) => cid,
      ),
    writableImages: async (vm) => writableImagesIn(await virsh.definition(vm)),
    storage: async () => (await virsh.volumes()).map(({ name }) => name),
    async holds(cid, text) {
      const own = (await virsh.volumes()).filter(({ name }) => name.startsWith(cid));
      const found = await Promise.all(own.map(async ({ path }) => await fileHolds(path, text)));
      return found.includes(true);
    },
    remembers: async (vm, text) => (await virsh.definition(vm)).includes(text),
    async [Symbol.asyncDispose]() {},
  };
}

/** Each disk's topmost file; what lies below it as a backing file nobody writes to. */
function writableImagesIn(xml: string): string[] {
  const disks = [...xml.matchAll(/<disk .*?<\/disk>/gs)].map(([disk]) => disk);
  return disks
    .filter((disk) => !disk.includes('<readonly/>'))
    .map((disk) => /<source file='([^']+)'/.exec(disk)?.[1])
    .filter((path) => path !== undefined);
}
