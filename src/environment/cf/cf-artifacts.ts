import type { Artifact } from '../../downloads/index.ts';
import type { CfRelease } from './plan-cf.ts';
import type { WardenStemcell } from './warden-stemcell.ts';

/** A stemcell as something to fetch. */
export const stemcellArtifact = ({ name, version, url, sha1 }: WardenStemcell): Artifact => ({
  name: `stemcell ${name}/${version}`,
  urls: [url],
  ...(sha1 === undefined ? {} : { sha1 }),
});

/** A release as something to fetch; undefined if it has no address. */
export function releaseArtifact({ name, version, url, digest }: CfRelease): Artifact | undefined {
  if (url === undefined) return undefined;
  return { name: `release ${name}/${version}`, urls: [url], ...checksums(digest) };
}

/** BOSH writes a SHA-1 bare, and others behind their name; several stand with `;` between. */
function checksums(digest: string | undefined): Pick<Artifact, 'sha1' | 'sha256'> {
  const parts = digest?.split(';') ?? [];
  const sha256 = parts.find((part) => part.startsWith('sha256:'))?.slice('sha256:'.length);
  const sha1 = parts.find((part) => !part.includes(':'));
  return { ...(sha1 === undefined ? {} : { sha1 }), ...(sha256 === undefined ? {} : { sha256 }) };
}
