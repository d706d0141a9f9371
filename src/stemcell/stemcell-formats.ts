import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { parse } from 'yaml';

/**
 * The formats that a stemcell's stemcell.MF names (contract 4). Reads no further than to there, which is the beginning. Empty for
 * a tarball that names none or cannot be read: whoever uses it will say why.
 */
export async function stemcellFormats(path: string): Promise<string[]> {
  const source = createReadStream(path);
  const unpacked = source.on('error', (error) => unpacked.destroy(error)).pipe(createGunzip());
  const entries = unpacked.on('error', (error) => entries.destroy(error)).pipe(extract());
  try {
    for await (const entry of entries) {
      if (entry.header.name.replace(/^\.\//, '') === 'stemcell.MF')
        return formatsIn(parse((await Readable.from(entry).toArray()).join('')));
      entry.resume();
    }
    return [];
  } catch {
    return [];
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

function formatsIn(manifest: unknown): string[] {
  if (typeof manifest !== 'object' || manifest === null || !('stemcell_formats' in manifest)) return [];
  const { stemcell_formats: formats } = manifest;
  return Array.isArray(formats) ? formats.map(String) : [];
}
