import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { UserError } from '../platform/errors.ts';
import { run } from '../platform/process.ts';
import { type CpioEntry, cpioArchive } from './cpio.ts';
import { isElf, neededLibraries, withoutSymbols } from './elf.ts';
import type { GuestParts, MachineFile } from './guest-parts.ts';
import { GuestTree } from './guest-tree.ts';
import { isThere } from './is-there.ts';
import type { KernelModule } from './kernel-modules.ts';

export interface GuestSources {
  /** Root of the unpacked Debian packages. */
  readonly packages: string;
  /** stemcells/probe/guest: our own scripts and tables. */
  readonly scripts: string;
  readonly parts: GuestParts;
  readonly agentFiles: readonly MachineFile[];
}

const libraryFolders = [
  'lib/x86_64-linux-gnu',
  'usr/lib/x86_64-linux-gnu',
  'usr/lib/x86_64-linux-gnu/systemd',
  'lib64',
  'usr/lib64',
  'usr/libexec/sudo',
  'usr/lib/sudo',
];
const loader = 'ld-linux-x86-64.so.2';

/** The guest's root file system: busybox, the agent, what the parts name, and the libraries of all programs. */
export async function guestRoot({ packages, scripts, parts, agentFiles }: GuestSources): Promise<GuestTree> {
  const tree = new GuestTree();
  for (const path of parts.folders) tree.folder(path);
  tree.folder('/root', 0o700);
  tree.folder('/home/vcap', 0o700, 1000);
  for (const [path, content] of Object.entries(parts.texts)) tree.file(path, content);
  tree.file('/etc/inittab', parts.inittab.map((line) => `${line}\n`).join(''));
  for (const { from, to, mode } of parts.ownFiles) tree.file(to, await readFile(join(scripts, from)), mode);
  const programs: Buffer[] = [];
  for (const { path, to, mode, withoutSymbols: smaller = false } of agentFiles) {
    const content = await readFile(path);
    programs.push(smaller ? withoutSymbols(content) : content);
    tree.file(to, programs.at(-1) ?? '', mode);
  }
  for (const { from, to, mode = 0o755 } of parts.packageFiles) {
    programs.push(await readFirst(packages, from));
    tree.file(to, programs.at(-1) ?? '', mode);
  }
  await addLibraries(tree, packages, programs.filter(isElf));
  for (const [path, target] of Object.entries(parts.links)) tree.link(path, target);
  await addBusybox(tree, packages);
  return tree;
}

/** Copies the libraries that the programs need, and those that these need. */
async function addLibraries(tree: GuestTree, packages: string, programs: readonly Buffer[]): Promise<void> {
  const open = [loader, ...programs.flatMap(neededLibraries)];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const path = name === loader ? `/lib64/${loader}` : `/lib/x86_64-linux-gnu/${name}`;
    if (tree.has(path)) continue;
    const content = await readFirst(
      packages,
      libraryFolders.map((folder) => `${folder}/${name}`),
    );
    tree.file(path, content, 0o755);
    if (isElf(content)) open.push(...neededLibraries(content));
  }
}

async function addBusybox(tree: GuestTree, packages: string): Promise<void> {
  const busybox = await findFirst(packages, ['bin/busybox', 'usr/bin/busybox']);
  tree.file('/bin/busybox', await readFile(busybox), 0o755);
  const { stdout } = await run([busybox, '--list-full']);
  for (const applet of stdout.split('\n').filter((line) => line !== '')) {
    const path = `/${applet}`;
    if (!tree.has(path) && path !== '/linuxrc') tree.link(path, '/bin/busybox');
  }
}

/** The first programs of the guest: busybox, the drivers, the script that starts the real root. */
export async function guestInitramfs(
  { packages, scripts }: GuestSources,
  modules: readonly KernelModule[],
): Promise<Buffer> {
  const busybox = await readFirst(packages, ['bin/busybox', 'usr/bin/busybox']);
  const entries: CpioEntry[] = [
    ...['bin', 'dev', 'proc', 'sys', 'root', 'modules'].map((path) => ({ path, mode: 0o755 })),
    { path: 'init', mode: 0o755, content: await readFile(join(scripts, 'vm', 'init')) },
    { path: 'bin/busybox', mode: 0o755, content: busybox },
    {
      path: 'modules/order',
      mode: 0o644,
      content: Buffer.from(modules.map(({ name }) => `${name}.ko\n`).join('')),
    },
    ...modules.map(({ name, content }) => ({ path: `modules/${name}.ko`, mode: 0o644, content })),
  ];
  return gzipSync(cpioArchive(entries), { level: 6 });
}

async function readFirst(root: string, paths: readonly string[]): Promise<Buffer> {
  return await readFile(await findFirst(root, paths));
}

async function findFirst(root: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await isThere(join(root, path))) return join(root, path);
  throw new UserError(
    'UNSUPPORTED',
    `The Debian packages for the probe stemcell hold none of ${paths.join(', ')}`,
    {
      hints: ['Debian 12 and 13 are known to work; or name a stemcell with --stemcell'],
    },
  );
}
