import { run } from '../platform/process.ts';
import type { HypervisorProbe, VmState } from './hypervisor-probe.ts';

/** Where a backend of ours on libvirt keeps its things. */
export interface LibvirtPlace {
  readonly uri: string;
  readonly storagePool: string;
}

/** What a driver's definitions of VMs say in words of its own. */
export interface DefinitionReader {
  /** CIDs of the persistent disks in a live definition. */
  disksIn(xml: string): string[];
  writableImagesIn(xml: string): string[];
}

/** Looks by libvirt's own tool, of which the CPI uses nothing. */
export function virshProbe(place: LibvirtPlace, reader: DefinitionReader): HypervisorProbe {
  const virsh = new Virsh(place);
  return {
    vms: async () => await virsh.vms(),
    state: async (vm) => await virsh.state(vm),
    disksOf: async (vm) => reader.disksIn(await virsh.definition(vm)),
    writableImages: async (vm) => reader.writableImagesIn(await virsh.definition(vm)),
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

class Virsh {
  readonly #place: LibvirtPlace;

  constructor(place: LibvirtPlace) {
    this.#place = place;
  }

  async #ask(...args: readonly string[]): Promise<string> {
    return (await run(['virsh', '-q', '-c', this.#place.uri, ...args])).stdout.trim();
  }

  async vms(): Promise<string[]> {
    return linesOf(await this.#ask('list', '--all', '--name'));
  }

  async state(vm: string): Promise<VmState> {
    if (!(await this.vms()).includes(vm)) return 'absent';
    const state = await this.#ask('domstate', vm);
    if (state === 'running') return 'running';
    return state === 'paused' ? 'paused' : 'off';
  }

  /** The live definition of a running VM, the kept one of another. */
  async definition(vm: string): Promise<string> {
    return await this.#ask('dumpxml', vm);
  }

  /** What libvirt finds in the pool's folder when it looks again. */
  async volumes(): Promise<{ name: string; path: string }[]> {
    const { storagePool } = this.#place;
    await this.#ask('pool-refresh', storagePool);
    return linesOf(await this.#ask('vol-list', storagePool)).map((line) => {
      const [name = '', path = ''] = line.split(/\s+/);
      return { name, path };
    });
  }
}

/** Whether a file has the text in its bytes. */
async function fileHolds(path: string, text: string): Promise<boolean> {
  const { exitCode } = await run(['grep', '-aqF', '--', text, path], { okExitCodes: [1] });
  return exitCode === 0;
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
