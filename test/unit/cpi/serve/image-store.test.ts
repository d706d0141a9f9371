import { createHash } from 'node:crypto';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ImageStore } from '../../../../src/cpi/serve/image-store.ts';
import { usualLimits } from '../../../../src/cpi/serve/limits.ts';

test('whoever takes an image while its last user lets it go has it, or finds none', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-images-'));
  const store = await ImageStore.open(folder.path, { ...usualLimits, freeBytes: 0 });
  const content = Buffer.from('an image');
  const digest = createHash('sha256').update(content).digest('hex');
  const bring = async () =>
    await store.receive({
      ...{ digest, bytes: content.length },
      async *begin() {
        yield content;
      },
    });
  for (let round = 0; round < 20; round += 1) {
    expect(await bring()).toBe(true);
    const first = await store.take(digest);
    const leaving = first?.release(true);
    const second = await store.take(digest);
    await leaving;
    if (second) expect(await readFile(second.path)).toEqual(content);
    await second?.release(true);
    expect(await readdir(folder.path)).toEqual([]);
  }
});
