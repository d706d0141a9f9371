import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backendNames } from '../../../src/cpi/backends/registry.ts';
import { readPins } from '../../../src/manifest/pins.ts';
import { packageRoot } from '../../../src/platform/package-root.ts';

test('every backend has a stemcell for a director, and its address says which', async () => {
  const stemcells = (await readPins())['machine-stemcells'];
  expect(Object.keys(stemcells).sort()).toEqual([...backendNames].sort());
  for (const { url, os, version } of Object.values(stemcells)) {
    expect(url).toContain(`-${version}-`);
    expect(url).toContain(os);
  }
});

test('a pins file with a fault is refused with the place of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'boshvirt-pins-'));
  try {
    const text = await readFile(join(packageRoot(), 'manifests/pins.yml'), 'utf8');
    await writeFile(join(folder, 'pins.yml'), text.replace(/tree: \w+/, 'tree: abc'));
    await expect(readPins(join(folder, 'pins.yml'))).rejects.toThrow('repositories.bosh-deployment.tree');
  } finally {
    await rm(folder, { recursive: true });
  }
});
