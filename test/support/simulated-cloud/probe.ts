import type { HypervisorProbe, VmState } from '../../../src/verify/hypervisor-probe.ts';
import type { SimulatedCloud } from './cloud.ts';

/** The simulated hypervisor, seen past its CPI. */
export function simulatedProbe(cloud: SimulatedCloud): HypervisorProbe {
  return {
    vms: async () => [...cloud.vms.keys()],
    async state(vm): Promise<VmState> {
      const found = cloud.vms.get(vm);
      if (!found) return 'absent';
      return found.running ? 'running' : 'off';
    },
    disksOf: async (vm) => [...(cloud.vms.get(vm)?.disks ?? [])],
    async writableImages(vm) {
      const found = cloud.vms.get(vm);
      return found ? [found.root.name, ...found.disks] : [];
    },
    storage: async () => [
      ...cloud.stemcells.keys(),
      ...[...cloud.vms.values()].map(({ root }) => root.name),
      ...cloud.disks.keys(),
      ...cloud.snapshots.keys(),
    ],
    async holds(cid, text) {
      const disk = cloud.disks.get(cid);
      const content = [
        ...(disk?.files.values() ?? []),
        JSON.stringify(disk?.metadata ?? {}),
        cloud.snapshots.get(cid) ?? '',
      ];
      return content.some((part) => part.includes(text));
    },
    remembers: async (vm, text) => JSON.stringify(cloud.vms.get(vm)?.metadata ?? {}).includes(text),
    async [Symbol.asyncDispose]() {},
  };
}
