import * as z from 'zod/mini';

/** What is written down about a file in the cache. */
export const keptFactsSchema = z.object({
  sha1: z.string().check(z.regex(/^[0-9a-f]{40}$/)),
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)), // it is a file's name
  bytes: z.int(),
  /** When the file last changed (ms): cheap to look at, and another time is a reason to look closer. */
  changed: z.number(),
  /** What it is, for people; what it was asked for by last comes first. */
  names: z.array(z.string()),
  /** The addresses that served it, without names and passwords, and when (ms). */
  sources: z.array(z.object({ address: z.string(), at: z.number() })),
});

export type KeptFacts = z.output<typeof keptFactsSchema>;

/** A file in the cache. */
export interface KeptFile extends KeptFacts {
  readonly path: string;
  readonly lastUsed: Date;
}
