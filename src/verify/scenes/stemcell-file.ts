import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import type { JsonObject } from '../../cpi/backend.ts';
import { errnoOf, messageOf, UserError } from '../../platform/errors.ts';
import type { SceneStemcell } from '../scene.ts';

/** The parts of stemcell.MF that a CPI is told or that bosh goes by (contract 3). */
const manifestSchema = z.object({
  api_version: z._default(z.number(), 1),
  stemcell_formats: z._default(z.array(z.string()), []),
  cloud_properties: z._default(z.record(z.string(), z.unknown()), {}),
});

/**
 * Unpacks a stemcell's tarball into the folder, as bosh does before it calls create_stemcell: `image` and, beside it,
 * `stemcell.MF`. Throws a UserError that says what is wrong with the file.
 */
export async function unpackStemcell(
  path: string,
  folder: string,
  signal?: AbortSignal,
): Promise<SceneStemcell> {
  const [imagePath, manifestPath] = [join(folder, 'image'), join(folder, 'stemcell.MF')];
  const found = await unpack(path, { image: imagePath, 'stemcell.MF': manifestPath }, signal);
  for (const name of ['image', 'stemcell.MF'])
    if (!found.has(name)) throw unusable(path, `it holds no ${name}: this is not a BOSH stemcell`);
  const manifest = manifestSchema.safeParse(yamlIn(path, await readFile(manifestPath, 'utf8')));
  if (!manifest.success)
    throw unusable(path, `its stemcell.MF is wrong: ${manifest.error.issues[0]?.message}`);
  const { api_version: apiVersion, stemcell_formats: formats, cloud_properties: properties } = manifest.data;
  return { imagePath, cloudProperties: properties as JsonObject, apiVersion, formats };
}

function yamlIn(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw unusable(path, `its stemcell.MF is no YAML: ${messageOf(error)}`, error);
  }
}

/** Writes these members of the archive to these files and gives the names of those that there were. */
async function unpack(
  path: string,
  wanted: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const found = new Set<string>();
  const entries = extract();
  const reading = (async () => {
    for await (const entry of entries) {
      const name = entry.header.name.replace(/^\.\//, '');
      const target = wanted[name];
      if (target === undefined) entry.resume();
      else {
        found.add(name);
        await pipeline(entry, createWriteStream(target));
      }
    }
  })();
  try {
    const source = createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
    await Promise.all([pipeline(source, createGunzip(), entries as unknown as Writable), reading]);
    return found;
  } catch (error) {
    signal?.throwIfAborted();
    const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : `it is damaged (${messageOf(error)})`;
    throw unusable(path, why, error);
  }
}

const unusable = (path: string, why: string, cause?: unknown): UserError =>
  new UserError('USAGE', `The stemcell ${path} cannot be used: ${why}`, { cause });
