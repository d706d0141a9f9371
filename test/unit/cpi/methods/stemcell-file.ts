import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rawDisk, tgz } from '../stemcell/images.ts';

/** A stemcell's `image` file on disk, which goes away with its scope: `await using`. */
export async function stemcellFile(
  sizeBytes = 64 * 1024,
): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-stemcell-'));
  const path = join(folder.path, 'image');
  await writeFile(path, await tgz({ name: 'root.img', content: rawDisk(sizeBytes) }));
  return { path, [Symbol.asyncDispose]: async () => await folder.remove() };
}
