import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { engineToDelete } from '../../../src/environment/engines.ts';

const path = process.env.PATH;
afterEach(() => {
  process.env.PATH = path;
});

test('what bosh made, bosh deletes; where there is no bosh any more, or no Ruby for it, our own engine does', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'engines-'));
  process.env.PATH = folder.path;
  expect((await engineToDelete('bosh-cli')).name).toBe('builtin');
  await writeFile(join(folder.path, 'bosh'), '#!/bin/sh\necho version 7.10.6\n', { mode: 0o755 });
  expect((await engineToDelete('bosh-cli')).name).toBe('builtin');
  await writeFile(join(folder.path, 'ruby'), '#!/bin/sh\nprintf ok\n', { mode: 0o755 });
  expect((await engineToDelete('bosh-cli')).name).toBe('bosh-cli');
  expect((await engineToDelete('builtin')).name).toBe('builtin');
});
