import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Places } from '../../../../stemcells/probe/agent/places.ts';

/** A guest's folders below a temporary one, filled with the given files. */
export async function fakeGuest(files: Readonly<Record<string, string | Buffer>> = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'guest-'));
  const at = (path: string) => join(folder.path, path);
  const places: Places = {
    sys: at('sys'),
    dev: at('dev'),
    proc: at('proc'),
    vcap: at('vcap'),
    etc: at('etc'),
    home: at('home'),
    root: at('root'),
    mount: at('mnt'),
  };
  for (const place of [...Object.values(places), at('sys/block'), at('sys/class/net'), at('sys/class/block')])
    await mkdir(place, { recursive: true });
  const add = async (path: string, content: string | Buffer) => {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), content);
  };
  for (const [path, content] of Object.entries(files)) await add(path, content);
  return { places, at, add, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
