import { argument, directorOf } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Imports the image file that lies next to us; the same content is imported once (contract 3). */
export const createStemcell = defineMethod({
  args: [argument.text, argument.hash, argument.hash],
  optional: 1,
  async run({ openBackend, request }, [imagePath, cloudProperties]) {
    const { hashFile, openStemcellImage } = await import('../stemcell/index.ts');
    const image = await openStemcellImage(imagePath);
    const [sha256, backend] = await Promise.all([hashFile(imagePath), openBackend()]);
    return await backend.stemcells.import(image, sha256, cloudProperties, directorOf(request));
  },
});
