import { messageOf } from '../../platform/errors.ts';
import { CloudError } from '../errors.ts';

/** What is wrong with a stemcell image, said of the file at `path` (or '' where that is not known): "… is cut short". */
function imageError(path: string, fault: string, cause?: unknown): CloudError {
  return new CloudError(
    'CloudError',
    `${['The stemcell image', path, fault].filter((word) => word !== '').join(' ')}`,
    {
      ...(cause === undefined ? {} : { cause }),
      hints: ['check the stemcell’s checksum; download and upload it again'],
    },
  );
}

/** A fault that was found in the bytes, by code that does not know which file they are of. */
export class ImageFault extends Error {
  override name = 'ImageFault';
}

/** Turns whatever reading an image threw into a CloudError that names the file. */
export function toImageError(path: string, thrown: unknown): CloudError {
  if (thrown instanceof CloudError) return thrown;
  if (thrown instanceof ImageFault) return imageError(path, thrown.message);
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'Z_BUF_ERROR')
    return imageError(path, 'is cut short or damaged: its gzip data ends too early', thrown);
  if (code === 'Z_DATA_ERROR')
    return imageError(path, `is damaged: its gzip data cannot be unpacked (${messageOf(thrown)})`, thrown);
  return imageError(path, `cannot be read: ${messageOf(thrown)}`, thrown);
}
