import { join } from 'node:path';
import { build } from 'esbuild';

/** The stand-in director in one file, for the Node 18 of a guest. */
export async function bundledDirector(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'director-main.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node18',
    format: 'esm',
    // what it bundles asks for Node's own modules in the old way
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}
