export { hashFile } from './hash-file.ts';
export { openStemcellImage, type StemcellImage } from './stemcell-image.ts';
