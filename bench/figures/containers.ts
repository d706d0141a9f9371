import type { Figure } from '../figure.ts';
import { atMost, times } from '../target.ts';

/** A container from a stemcell, beside libvirt's own start of one whose disks are there. */
export const createContainer: Figure = {
  name: 'lxc-create-vm',
  async measure(bench) {
    const containers = await bench.containers();
    const [ours, theirs] = await bench.compare(
      10,
      async () => {
        const started = performance.now();
        const { name } = await containers.createByCpi();
        const ms = performance.now() - started;
        await containers.deleteByCpi(name);
        return ms;
      },
      () => containers.defineAndStart(),
    );
    const beside = 'one virsh: define, start';
    return [{ what: 'lxc: create_vm', ours, beside, theirs, target: atMost(350) }];
  },
};

export const deleteContainer: Figure = {
  name: 'lxc-delete-vm',
  async measure(bench) {
    const containers = await bench.containers();
    const [ours, theirs] = await bench.compare(
      8,
      async () => await containers.deleteByCpi((await containers.createByCpi()).name),
      () => containers.destroyAndUndefine(),
    );
    const beside = 'one virsh: destroy, undefine';
    return [{ what: 'lxc: delete_vm, running', ours, beside, theirs, target: times(1.4) }];
  },
};
