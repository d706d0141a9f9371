import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Puts a program `bosh` into a folder: the stand-in, run by this Node. */
export async function placeBosh(folder: string): Promise<void> {
  const program = join(import.meta.dirname, 'bosh.ts');
  const text = `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${program}' "$@"\n`;
  await writeFile(join(folder, 'bosh'), text, { mode: 0o755 });
}
