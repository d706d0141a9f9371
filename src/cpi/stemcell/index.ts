export { hashFile } from './hash-file.ts';
export { type ImageFormat, openStemcellImage, type StemcellImage } from './stemcell-image.ts';
export { unsuitableImage, type WantedStemcell } from './unsuitable-image.ts';
