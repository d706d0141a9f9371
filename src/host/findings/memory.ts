import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';

/** MiB that this machine can give to a guest: what the kernel calls available, and free swap. */
export async function availableMemoryMb(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  const available = kib('MemAvailable') + kib('SwapFree');
  return Math.floor(available === 0 ? freemem() / 1024 ** 2 : available / 1024);
}
