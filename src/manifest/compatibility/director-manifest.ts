import { parse } from 'yaml';
import * as z from 'zod/mini';

const properties = z.optional(z.nullable(z.record(z.string(), z.unknown())));
const release = z.object({
  name: z.string(),
  url: z.optional(z.string()),
  stemcell: z.optional(z.object({ os: z.string(), version: z.union([z.string(), z.number()]) })),
});
const job = z.object({ name: z.string(), properties });

const directorSchema = z.object({
  releases: z.array(release),
  instance_groups: z.array(z.object({ name: z.string(), jobs: z.array(job), properties })),
});

const runtimeSchema = z.object({
  addons: z.optional(
    z.array(
      z.object({
        name: z.string(),
        include: z.optional(z.object({ stemcell: z.optional(z.array(z.object({ os: z.string() }))) })),
        jobs: z.array(job),
      }),
    ),
  ),
});

export type DirectorManifest = z.output<typeof directorSchema>;
export type ReleaseEntry = z.output<typeof release>;
export type JobEntry = z.output<typeof job>;
export type RuntimeConfig = z.output<typeof runtimeSchema>;

/** What is asked of a director's manifest; undefined for one of another shape, which bosh will have words for. */
export const readDirectorManifest = (text: string): DirectorManifest | undefined =>
  z.safeParse(directorSchema, parse(text, { version: '1.1', merge: true })).data;

export const readRuntimeConfig = (text: string): RuntimeConfig | undefined =>
  z.safeParse(runtimeSchema, parse(text, { version: '1.1', merge: true })).data;

export const jobsNamed = ({ instance_groups: groups }: DirectorManifest, name: string): JobEntry[] =>
  groups.flatMap(({ jobs }) => jobs.filter((entry) => entry.name === name));

/** A job's property: its own, else its group's, as bosh looks for it. */
export function propertyOf(manifest: DirectorManifest, jobName: string, path: string): unknown {
  for (const { jobs, properties: ofGroup } of manifest.instance_groups) {
    const found = jobs.find(({ name }) => name === jobName);
    if (found) return at(found.properties ?? ofGroup, path);
  }
  return undefined;
}

const at = (node: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (below, key) =>
        typeof below === 'object' && below !== null ? (below as Record<string, unknown>)[key] : undefined,
      node,
    );
