import { toImageError } from './image-error.ts';
import type { StemcellImage } from './stemcell-image.ts';

/** The same image as the raw disk that it holds; `sizeBytes` is what the packed one has, and so the least that it takes. */
export function rawFromVmdk(image: StemcellImage): StemcellImage & { readonly format: 'raw' } {
  return { ...image, format: 'raw', open: () => unpacked(image) };
}

async function* unpacked(image: StemcellImage): AsyncGenerator<Buffer, void, undefined> {
  try {
    const { vmdkDisk } = await import('./vmdk-stream.ts'); // its zlib is not for light calls
    yield* vmdkDisk(image.open() as AsyncIterable<Buffer>);
  } catch (error) {
    throw toImageError('', error);
  }
}
