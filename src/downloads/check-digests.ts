import type { Artifact } from './artifact.ts';
import type { Digests } from './digests.ts';

/** What of the file is not as the artifact says, for people; undefined if all is. */
export function difference(artifact: Artifact, got: Partial<Digests>): string | undefined {
  for (const sort of ['sha256', 'sha1'] as const) {
    const expected = artifact[sort]?.toLowerCase();
    if (expected !== undefined && got[sort] !== undefined && expected !== got[sort])
      return `${sort} ${got[sort]}, expected ${expected}`;
  }
  const { bytes } = artifact;
  if (bytes === undefined || got.bytes === undefined || bytes === got.bytes) return undefined;
  return `${got.bytes} bytes, expected ${bytes}`;
}
