import { resolve } from 'node:path';
import type { Log } from '../platform/log.ts';
import { buildCpiRelease } from '../release/index.ts';

export type BuiltRelease = Awaited<ReturnType<typeof buildCpiRelease>>;

/** Writes the CPI release tarball to `path`. */
export async function buildRelease(path: string, log: Log): Promise<BuiltRelease> {
  return await buildCpiRelease({ outPath: resolve(path), log });
}
