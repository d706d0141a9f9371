import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMachine, importProbe, type Machine } from './made-by-cpi.ts';
import { runProgram } from './programs.ts';
import type { Rig } from './rig.ts';

const shape = { cpus: 1, memory: 256, ephemeral_disk: 256 };

/** Containers of the probe stemcell, and the least that libvirt takes to start one. */
export class Containers {
  readonly #rig: Rig;
  readonly #stemcell: string;
  /** One that virsh may define and start again and again: its images are there. */
  readonly #ready: { readonly name: string; readonly definition: string };

  private constructor(rig: Rig, stemcell: string, ready: { name: string; definition: string }) {
    this.#rig = rig;
    this.#stemcell = stemcell;
    this.#ready = ready;
  }

  static async prepare(rig: Rig): Promise<Containers> {
    const stemcell = await importProbe(rig, 'container');
    const { name } = await createMachine(rig, stemcell, shape);
    const { stdout } = await runProgram(rig.virsh('dumpxml', '--inactive', name));
    const definition = join(rig.folder, `${name}.xml`);
    await writeFile(definition, stdout);
    return new Containers(rig, stemcell, { name, definition });
  }

  async createByCpi(): Promise<Machine> {
    return await createMachine(this.#rig, this.#stemcell, shape);
  }

  async deleteByCpi(name: string): Promise<number> {
    return await this.#rig.cpi.time('delete_vm', [name]);
  }

  /** How long one virsh takes to define and start a container whose images are made already. */
  async defineAndStart(): Promise<number> {
    const { name, definition } = this.#ready;
    const { virsh } = this.#rig;
    await runProgram(virsh(`destroy ${name}; undefine ${name}`));
    return (await runProgram(virsh(`define ${definition}; start ${name}`))).ms;
  }

  /** How long one virsh takes to stop a container and to remove its definition. */
  async destroyAndUndefine(): Promise<number> {
    const { name, definition } = this.#ready;
    const { virsh } = this.#rig;
    const { ms } = await runProgram(virsh(`destroy ${name}; undefine ${name}`));
    await runProgram(virsh(`define ${definition}; start ${name}`));
    return ms;
  }
}
