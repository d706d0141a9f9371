import { basename } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import type { Artifact } from '../downloads/artifact.ts';

const scalar = z.union([z.string(), z.number()]);
const placeSchema = z.object({ url: z.string(), sha1: z.optional(z.string()) });
/** Of a manifest, no more than what says where something comes from. */
const sourcesSchema = z.object({
  releases: z.optional(
    z.nullable(z.array(z.object({ name: z.string(), version: z.optional(scalar), ...placeSchema.shape }))),
  ),
  resource_pools: z.optional(z.nullable(z.array(z.object({ stemcell: z.optional(placeSchema) })))),
});

/**
 * The releases and the stemcell that bosh will want for a manifest or a runtime config whose variables are filled in. What
 * has no address, or one that is still open, is left out: it is no download.
 */
export function artifactsOf(manifest: string): Artifact[] {
  const read = z.safeParse(sourcesSchema, parse(manifest, { version: '1.1', merge: true }));
  if (!read.success) return []; // bosh says what is wrong with it
  const { releases, resource_pools: pools } = read.data;
  const stemcells = (pools ?? []).flatMap(({ stemcell }) => (stemcell ? [stemcell] : []));
  return [
    ...(releases ?? []).map(({ name, version, ...place }) =>
      artifact(`release ${name}${version === undefined ? '' : `/${version}`}`, place),
    ),
    ...stemcells.map((place) => artifact(`stemcell ${stemcellWords(place.url)}`, place)),
  ].filter(({ urls: [url] }) => /^(https?|file):\/\//i.test(url) && !url.includes('(('));
}

function artifact(name: string, { url, sha1: digest }: z.output<typeof placeSchema>): Artifact {
  const parts = digest?.split(';') ?? [];
  const sha256 = parts.find((part) => part.startsWith('sha256:'))?.slice('sha256:'.length);
  const sha1 = parts.map((part) => part.replace(/^sha1:/, '')).find((part) => !part.includes(':'));
  return {
    name,
    urls: [url],
    ...(sha1 === undefined ? {} : { sha1 }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(digest === undefined || digest === sha1 ? {} : { digest }),
  };
}

const stemcellWords = (url: string): string => basename(url.replace(/[?#].*$/, ''), '.tgz');
