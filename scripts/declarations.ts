/** Writes dist/types for the package's `exports`. Only a packaged install has use for them: prepack calls this. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.types.json')],
  { stdio: 'inherit' },
);
if (status !== 0) process.exit(status ?? 1);

// tsc leaves the names of source files in declarations; no such file is in the package
const importedSource = /(from |import\()'(\.{1,2}\/[^']+)\.ts'/g;
for (const file of globSync('dist/types/**/*.d.ts', { cwd: root })) {
  const path = join(root, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(importedSource, "$1'$2.js'"));
}
