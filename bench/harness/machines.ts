import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { macFor, newCid } from '../../src/platform/ids.ts';
import { createMachine, importProbe, type Machine } from './made-by-cpi.ts';
import { runProgram, timeChain } from './programs.ts';
import type { Rig } from './rig.ts';

const shape = { cpus: 1, memory: 256, ephemeral_disk: 512 };

/** Makes the same machine by either hand: by one call of the CPI, or by one virsh that takes all steps. */
export class Machines {
  readonly #rig: Rig;
  readonly #stemcell: string;
  readonly #template: Template;

  private constructor(rig: Rig, stemcell: string, template: Template) {
    this.#rig = rig;
    this.#stemcell = stemcell;
    this.#template = template;
  }

  /** Imports the probe stemcell and makes one machine, whose definition and settings the ones by virsh share. */
  static async prepare(rig: Rig): Promise<Machines> {
    const stemcell = await importProbe(rig, 'vm');
    const { name } = await createMachine(rig, stemcell, shape);
    await runProgram(rig.virsh('destroy', name));
    return new Machines(rig, stemcell, await templateFrom(rig, name, stemcell));
  }

  async createByCpi(): Promise<Machine> {
    return await createMachine(this.#rig, this.#stemcell, shape);
  }

  async deleteByCpi(name: string): Promise<number> {
    return await this.#rig.cpi.time('delete_vm', [name]);
  }

  /** Overlay on the stemcell, ephemeral disk, define, start: as few steps as make the same machine. */
  async createByVirsh(): Promise<Pick<Machine, 'name'>> {
    const { virsh, pool, folder } = this.#rig;
    const { xml, rootBytes, stemcellPath, stemcellFormat } = this.#template;
    const name = newCid('vm');
    const definition = join(folder, `${name}.xml`);
    await writeFile(definition, xml(name));
    const overlay = ['--backing-vol', stemcellPath, '--backing-vol-format', stemcellFormat];
    const disk = (suffix: string, size: string, ...more: string[]) => [
      'vol-create-as',
      pool,
      `${name}-${suffix}.qcow2`,
      size,
      '--format',
      'qcow2',
      ...more,
    ];
    await runProgram(
      virsh(
        steps(
          disk('root', rootBytes, ...overlay),
          disk('ephemeral', `${shape.ephemeral_disk}M`),
          ['define', definition],
          ['start', name],
        ),
      ),
    );
    return { name };
  }

  /** Ends a machine and deletes all that is its own. */
  async deleteByVirsh(name: string, { isActive }: { isActive: boolean }): Promise<number> {
    const commands = await this.#deletion(name, isActive);
    return (await runProgram(this.#rig.virsh(steps(...commands)))).ms;
  }

  /** The same by a virsh for each step, as a person would do it. */
  async deleteStepByStep(name: string, { isActive }: { isActive: boolean }): Promise<number> {
    const commands = await this.#deletion(name, isActive);
    return await timeChain(commands.map((words) => this.#rig.virsh(...words)));
  }

  async #deletion(name: string, isActive: boolean): Promise<string[][]> {
    const volumes = await this.#volumesOf(name);
    return [
      ...(isActive ? [['destroy', name]] : []),
      ['undefine', name, '--managed-save', '--snapshots-metadata'],
      ...volumes.map((volume) => ['vol-delete', volume, '--pool', this.#rig.pool]),
    ];
  }

  /** What the console of a machine by virsh was written to; libvirt does not count it among the volumes. */
  async forgetConsole(name: string): Promise<void> {
    await rm(join(this.#rig.poolPath, `${name}-console.log`), { force: true });
  }

  async #volumesOf(name: string): Promise<string[]> {
    const { stdout } = await runProgram(this.#rig.virsh('vol-list', this.#rig.pool));
    return stdout.split(/\s+/).filter((word) => word.startsWith(`${name}-`));
  }
}

/** Several commands for one virsh; it ends at the first that fails. No word of ours has a space. */
const steps = (...commands: readonly (readonly string[])[]): string =>
  commands.map((words) => words.join(' ')).join('; ');

interface Template {
  /** The same definition under another name, with other disks and another MAC. */
  xml(name: string): string;
  readonly rootBytes: string;
  readonly stemcellPath: string;
  readonly stemcellFormat: string;
}

async function templateFrom(rig: Rig, machine: string, stemcell: string): Promise<Template> {
  const { virsh, pool } = rig;
  const { stdout: definition } = await runProgram(virsh('dumpxml', '--inactive', machine));
  const { stdout: root } = await runProgram(virsh('vol-dumpxml', `${machine}-root.qcow2`, '--pool', pool));
  const settings = join(rig.poolPath, `${machine}-config.iso`);
  return {
    xml: (name) =>
      definition
        .replace(/<uuid>.*<\/uuid>/, '')
        .replace(/<mac address=.*\/>/, `<mac address='${macFor(name, 'bench')}'/>`)
        .replaceAll(machine, name)
        .replace(join(rig.poolPath, `${name}-config.iso`), settings),
    rootBytes: first(root, /<capacity unit='bytes'>(\d+)</),
    stemcellPath: join(rig.poolPath, `${stemcell}.img`),
    stemcellFormat: first(root, /<backingStore>[\s\S]*?<format type='(\w+)'/),
  };
}

function first(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in:\n${text}`);
  return found;
}
