import * as z from 'zod/mini';
import type { JsonObject } from '../backend.ts';
import { argument, directorOf } from '../wire.ts';
import { defineMethod } from './method.ts';

/** API 3: `{"tags": {…}}`, the director's own for what it makes (contract 1.2). */
const extras = z.pipe(
  z.nullable(z.looseObject({ tags: z.optional(argument.hash) })),
  z.transform((value): JsonObject => value?.tags ?? {}),
);

/** Imports the image file that lies next to us; the same content is imported once (contract 3). */
export const createStemcell = defineMethod({
  args: [argument.text, argument.hash, extras],
  optional: 1,
  async run({ openBackend, request }, [imagePath, properties, tags]) {
    const { hashFile, openStemcellImage } = await import('../stemcell/index.ts');
    const image = await openStemcellImage(imagePath);
    const [sha256, backend] = await Promise.all([hashFile(imagePath), openBackend()]);
    const facts = { sha256, properties, tags: tags ?? {}, owner: directorOf(request) };
    return await backend.stemcells.import(image, facts);
  },
});
