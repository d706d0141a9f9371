import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../../platform/package-root.ts';
import { run } from '../../../platform/process.ts';

/** Copies of large disks on a slow machine. */
const copyTimeoutMs = 30 * 60_000;

/**
 * Makes an empty file system in a fresh, sparse file. The inode tables are not written now: the kernel sees to that when
 * nobody waits. Nothing is kept back for root, who owns all in a VM.
 */
export async function makeFilesystem(path: string): Promise<void> {
  const options = ['-q', '-F', '-b', '4096', '-m', '0', '-E', 'lazy_itable_init=1,lazy_journal_init=1'];
  await run(['mke2fs', '-t', 'ext4', ...options, path]);
}

/** Lets a file system that nobody has mounted fill its file or device. */
export async function growFilesystem(path: string): Promise<void> {
  const grow = ['resize2fs', path] as const;
  const { exitCode } = await run([...grow], { okExitCodes: [1], timeoutMs: copyTimeoutMs });
  if (exitCode === 0) return;
  // it was mounted since somebody looked through it last, which is asked for first; 1: it is well now
  await run(['e2fsck', '-f', '-p', path], { okExitCodes: [1], timeoutMs: copyTimeoutMs });
  await run([...grow], { timeoutMs: copyTimeoutMs });
}

/** Lets a file system fill its device while it is in use. Only `canGrowMounted` tells whether the kernel allows it. */
export async function growMountedFilesystem(device: string): Promise<void> {
  await run(inOwnMounts('grow-mounted', device), { timeoutMs: copyTimeoutMs });
}

const capSysResource = 1n << 24n;

/** The kernel grows a mounted ext4 only for who has CAP_SYS_RESOURCE, which root of some containers has not. */
export async function canGrowMounted(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return (effective & capSysResource) !== 0n;
}

/** A copy in place of the file `to`; shares the blocks where the file system below can, leaves holes where there are some. */
export async function copyFile(from: string, to: string): Promise<void> {
  await run(['cp', '--reflink=auto', '--sparse=auto', from, to], { timeoutMs: copyTimeoutMs });
}

export interface Copy {
  readonly from: string;
  readonly to: string;
}

/**
 * Copies the files of disks as they all are at one moment. Their file systems stand still meanwhile, in whatever container
 * they are in use, and go on in any case: the program that lets them outlives us.
 */
export async function copyFrozen(copies: readonly Copy[]): Promise<void> {
  const pairs = copies.flatMap(({ from, to }) => [from, to]);
  await run(inOwnMounts('copy-frozen', ...pairs), { timeoutMs: copyTimeoutMs, ownGroup: true });
}

/** Unpacks a tar into the file system in the file `path`. */
export async function unpackInto(path: string, tar: AsyncIterable<Uint8Array>): Promise<void> {
  await run(inOwnMounts('unpack-root', path), { input: tar, timeoutMs: copyTimeoutMs });
}

/**
 * A program of ours that mounts something, in a mount namespace that ends with it: however it ends, the kernel takes mounts
 * and their loop devices away.
 */
function inOwnMounts(program: string, ...args: readonly string[]): [string, ...string[]] {
  return ['unshare', '--mount', 'sh', join(packageRoot(), 'libexec', program), ...args];
}
