import type { HypervisorProbe } from '../hypervisor-probe.ts';
import { fileHolds, type LibvirtPlace, Virsh } from '../virsh.ts';

/** Containers of libvirt's LXC driver, as virsh shows them. */
export function probe(place: LibvirtPlace): HypervisorProbe {
  const virsh = new Virsh(place);
  return {
    vms: async () => await virsh.vms(),
    state: async (vm) => await virsh.state(vm),
    disksOf: async (vm) =>
      [...(await virsh.definition(vm)).matchAll(/<source dev='[^']*\/(disk-[0-9a-f]+)'\/>/g)].map(
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

/** The files that a container has as its file systems, and the devices of its disks. */
function writableImagesIn(xml: string): string[] {
  const devices = [...xml.matchAll(/<(filesystem|disk) .*?<\/\1>/gs)].map(([device]) => device);
  return devices
    .filter((device) => !device.includes('<readonly/>'))
    .map((device) => /<source (?:file|dev)='([^']+)'/.exec(device)?.[1])
    .filter((path) => path !== undefined);
}
