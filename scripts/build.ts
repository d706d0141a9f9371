/** Bundles src/ to dist/ so that a command loads a few files instead of hundreds; see docs/decisions/0001. */
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Packages written for CommonJS expect `require`, which a module has not. */
const requireForPackages =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);

const commands = globSync('src/commands/**/*.ts', { cwd: root });
const bundle = await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'src/main.ts', out: 'main' },
    { in: 'src/clients/libvirt/index.ts', out: 'libvirt' },
    ...commands.map((file) => ({ in: file, out: file.replace(/^src\//, '').replace(/\.ts$/, '') })),
  ],
  outdir: dist,
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  banner: { js: requireForPackages },
  metafile: true,
  logLevel: 'warning',
});

const agent = await build({
  absWorkingDir: root,
  entryPoints: ['stemcells/probe/agent/main.ts'],
  outfile: join(dist, 'probe-agent.cjs'),
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});

writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), licences([bundle.metafile, agent.metafile]));
await writeCommandManifest();
writeFileSync(join(dist, '.built'), '');

/** The licence texts of the packages that went into the bundle. */
function licences(metafiles: readonly Metafile[]): string {
  const packages = new Set(
    metafiles
      .flatMap(({ inputs }) => Object.keys(inputs))
      .map((input) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[0])
      .filter((folder) => folder !== undefined),
  );
  return [...packages]
    .sort()
    .map(licenceOf)
    .join(`\n${'-'.repeat(78)}\n`);
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(join(root, folder, file), 'utf8') : ''}`;
}

/** oclif reads flags and help from this file instead of loading every command. */
async function writeCommandManifest(): Promise<void> {
  const manifest = join(root, 'oclif.manifest.json');
  rmSync(manifest, { force: true });
  const { Plugin } = await import('@oclif/core');
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  writeFileSync(manifest, `${JSON.stringify(plugin.manifest, null, 2)}\n`);
}
