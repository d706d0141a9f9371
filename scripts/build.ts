/** Bundles src/ to dist/ so that a command loads a few files instead of hundreds; see docs/decisions/0001. */
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Packages written for CommonJS expect `require`, which a module has not. */
const requireForPackages =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

const commandLine = 'command-line/run';
const commands = globSync('src/commands/**/*.ts', { cwd: root });
const bundle = await build({
  ...common,
  entryPoints: [
    { in: `src/${commandLine}.ts`, out: commandLine },
    { in: 'src/clients/libvirt/index.ts', out: 'libvirt' },
    ...commands.map((file) => ({ in: file, out: file.replace(/^src\//, '').replace(/\.ts$/, '') })),
  ],
  outdir: dist,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  banner: { js: requireForPackages },
});

/** In the CPI's bundle the command line stays the file that the bundle above made of it. */
const commandLineApart: Plugin = {
  name: 'command-line-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/command-line\/run\.ts$/ }, () => ({
      path: `./${commandLine}.js`,
      external: true,
    }));
  },
};

/** One file, and CommonJS: a module's `import` of a part of Node runs all its getters, which load half of the rest. */
const cpi = await build({
  ...common,
  entryPoints: ['src/main.ts'],
  outfile: join(dist, 'main.cjs'),
  format: 'cjs',
  define: { 'import.meta.dirname': '__dirname' },
  plugins: [commandLineApart],
});

const agent = await build({
  ...common,
  entryPoints: ['stemcells/probe/agent/main.ts'],
  outfile: join(dist, 'probe-agent.cjs'),
  format: 'cjs',
  minifyWhitespace: false,
});

writeFileSync(
  join(dist, 'THIRD-PARTY-LICENSES.txt'),
  licences([bundle.metafile, cpi.metafile, agent.metafile]),
);
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
