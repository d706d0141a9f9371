import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

/** The text of the file `name` in a .tgz, wherever a leading ./ puts it; '' if there is none. */
export async function fileInTarball(path: string, name: string): Promise<string> {
  const entries = createReadStream(path).pipe(createGunzip()).pipe(extract());
  let text = '';
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.name.replace(/^\.\//, '') === name) text = Buffer.concat(chunks).toString('utf8');
  }
  return text;
}
