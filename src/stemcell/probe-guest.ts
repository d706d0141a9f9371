import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { UserError } from '../platform/errors.ts';
import { run } from '../platform/process.ts';
import { type CpioEntry, cpioArchive } from './cpio.ts';
import { isElf, neededLibraries, withoutSymbols } from './elf.ts';
import { GuestTree } from './guest-tree.ts';
import { isThere } from './is-there.ts';
import type { KernelModule } from './kernel-modules.ts';
import { guestPrograms } from './probe-packages.ts';

export interface GuestSources {
  /** Root of the unpacked Debian packages. */
  readonly packages: string;
  /** stemcells/probe/guest: our own scripts and tables. */
  readonly scripts: string;
  readonly node: string;
  readonly agent: string;
}

const libraryFolders = [
  'lib/x86_64-linux-gnu',
  'usr/lib/x86_64-linux-gnu',
  'lib64',
  'usr/lib64',
  'usr/libexec/sudo',
  'usr/lib/sudo',
];
const loader = 'ld-linux-x86-64.so.2';

/** The guest's root file system: busybox, the agent on Node, an ssh server, tools for ext4, their libraries. */
export async function guestRoot(sources: GuestSources): Promise<GuestTree> {
  const tree = new GuestTree();
  addFolders(tree);
  await addScripts(tree, sources.scripts);
  const programs = [withoutSymbols(await readFile(sources.node))];
  tree.file('/usr/bin/node', programs[0] ?? '', 0o755);
  for (const { from, to, mode } of guestPrograms) {
    const program = await readFirst(sources.packages, from);
    programs.push(program);
    tree.file(to, program, mode ?? 0o755);
  }
  await addLibraries(tree, sources.packages, programs);
  await addBusybox(tree, sources.packages);
  tree.link('/sbin/mkfs.ext4', 'mke2fs');
  tree.file('/var/vcap/bosh/bin/probe-agent.cjs', await readFile(sources.agent), 0o644);
  return tree;
}

function addFolders(tree: GuestTree): void {
  for (const path of [
    '/dev',
    '/proc',
    '/sys',
    '/run',
    '/tmp',
    '/mnt',
    '/bin',
    '/sbin',
    '/usr/bin',
    '/usr/sbin',
  ])
    tree.folder(path);
  for (const path of [
    '/var/vcap/bosh/bin',
    '/var/vcap/bosh/etc',
    '/var/vcap/bosh/log',
    '/var/vcap/data',
    '/var/vcap/store',
  ])
    tree.folder(path);
  for (const path of ['/var/log', '/var/run', '/etc/dropbear', '/var/vcap/store_migration_target'])
    tree.folder(path);
  tree.folder('/root', 0o700);
  tree.folder('/home/vcap', 0o700, 1000);
}

/** Where each of our files goes in the guest. */
const scriptPlaces: Readonly<Record<string, { to: string; mode: number }>> = {
  'rc.boot': { to: '/etc/rc.boot', mode: 0o755 },
  'rc.shutdown': { to: '/etc/rc.shutdown', mode: 0o755 },
  inittab: { to: '/etc/inittab', mode: 0o644 },
  'power-button': { to: '/etc/acpi/PWRF/00000080', mode: 0o755 },
  'bosh-agent-rc': { to: '/var/vcap/bosh/bin/bosh-agent-rc', mode: 0o755 },
  'udhcpc.script': { to: '/etc/udhcpc.script', mode: 0o755 },
  passwd: { to: '/etc/passwd', mode: 0o644 },
  group: { to: '/etc/group', mode: 0o644 },
  shadow: { to: '/etc/shadow', mode: 0o600 },
  profile: { to: '/etc/profile', mode: 0o644 },
  sudoers: { to: '/etc/sudoers', mode: 0o440 },
  'pam-sudo': { to: '/etc/pam.d/sudo', mode: 0o644 },
};

async function addScripts(tree: GuestTree, folder: string): Promise<void> {
  for (const [name, { to, mode }] of Object.entries(scriptPlaces))
    tree.file(to, await readFile(join(folder, name)), mode);
  tree.file('/etc/hosts', '127.0.0.1 localhost\n::1 localhost\n');
  tree.file('/etc/hostname', 'probe\n');
  tree.file('/etc/shells', '/bin/sh\n');
  tree.file('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n');
  tree.file('/var/vcap/bosh/etc/operating_system', 'probe');
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
  sources: GuestSources,
  modules: readonly KernelModule[],
): Promise<Buffer> {
  const busybox = await readFirst(sources.packages, ['bin/busybox', 'usr/bin/busybox']);
  const entries: CpioEntry[] = [
    ...['bin', 'dev', 'proc', 'sys', 'root', 'modules'].map((path) => ({ path, mode: 0o755 })),
    { path: 'init', mode: 0o755, content: await readFile(join(sources.scripts, 'init')) },
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
