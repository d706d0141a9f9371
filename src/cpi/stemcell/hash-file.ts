import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { toImageError } from './image-error.ts';

const stepBytes = 1024 * 1024;

/** The SHA-256 of a file in hex, read through one buffer. Throws a CloudError if it cannot be read. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(stepBytes);
  try {
    await using file = await open(path);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, stepBytes);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    throw toImageError(path, error);
  }
}
