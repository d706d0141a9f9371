import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../platform/errors.ts';
import { run } from '../platform/process.ts';

/** A kernel module, unpacked. */
export interface KernelModule {
  /** As modules name each other: with underscores, without an ending. */
  readonly name: string;
  readonly content: Buffer;
}

/**
 * The named modules of the tree `lib/modules/<release>` and all that they need, each after what it needs. A name
 * that is built into the kernel takes no module; one that is neither is an error.
 */
export async function kernelModules(folder: string, names: readonly string[]): Promise<KernelModule[]> {
  const files = await moduleFiles(folder);
  const builtin = new Set(
    (await readFile(join(folder, 'modules.builtin'), 'utf8')).split('\n').map(moduleName),
  );
  const ordered = new Map<string, KernelModule>();
  const add = async (name: string): Promise<void> => {
    if (ordered.has(name)) return;
    const file = files.get(name);
    if (file === undefined && builtin.has(name)) return;
    if (file === undefined)
      throw new UserError(
        'UNSUPPORTED',
        `The kernel in ${folder} has no driver ${name}, as module or built in`,
      );
    const content = await unpackedModule(file);
    for (const needed of dependenciesOf(content)) await add(needed);
    ordered.set(name, { name, content });
  };
  for (const name of names) await add(name);
  return [...ordered.values()];
}

async function moduleFiles(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(join(folder, 'kernel'), { recursive: true });
  const modules = entries.filter((entry) => /\.ko(\.\w+)?$/.test(entry));
  return new Map(modules.map((entry) => [moduleName(entry), join(folder, 'kernel', entry)]));
}

async function unpackedModule(file: string): Promise<Buffer> {
  if (file.endsWith('.ko')) return await readFile(file);
  // Debian 13 packs its modules with xz, for which Node has no reader
  const plain = join(file, '..', `${moduleName(file)}.unpacked`);
  await run(['sh', '-c', 'xz -dc -- "$1" >"$2"', 'sh', file, plain]);
  return await readFile(plain);
}

/** The names after `depends=` in a module's information section (`modinfo -F depends`). */
export function dependenciesOf(module: Buffer): string[] {
  const key = Buffer.from('\0depends=');
  const at = module.indexOf(key);
  if (at < 0) return [];
  const list = module.toString('latin1', at + key.length, module.indexOf(0, at + key.length));
  return list === '' ? [] : list.split(',').map(moduleName);
}

/** `kernel/drivers/net/virtio-net.ko.xz` → `virtio_net`. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}
