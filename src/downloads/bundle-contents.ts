import * as z from 'zod/mini';
import { UserError } from '../platform/errors.ts';
import { parseJson } from '../platform/parse-json.ts';
import { keptFactsSchema } from './kept-file.ts';

const { changed: _, ...fileShape } = keptFactsSchema.shape;
const contentsSchema = z.object({
  version: z.literal(1),
  environment: z.string().check(z.regex(/^[a-z][a-z0-9-]*$/)), // people are told to type it
  /** Of the lock file in the bundle. */
  lockSha256: z.string(),
  files: z.array(z.object(fileShape)),
});

/** The first entry of a bundle: what the others are. */
export type BundleContents = z.output<typeof contentsSchema>;

export const contentsEntry = 'bundle.json';
export const lockEntry = 'boshvirt.lock';
export const fileEntry = (sha256: string): string => `sha256/${sha256}`;

/** A bundle that is not what it says. */
export const damagedBundle = (why: string): UserError =>
  new UserError('CHECKSUM', `The bundle cannot be used, and nothing of it was taken: ${why}`, {
    hints: ['copy it once more from the machine that made it, or make it again with boshvirt bundle create'],
  });

export function parseContents(text: string): BundleContents {
  const contents = z.safeParse(contentsSchema, parseJson(text));
  if (!contents.success) throw damagedBundle(`its ${contentsEntry} is no list of what is in it`);
  const digests = contents.data.files.map(({ sha256 }) => sha256);
  if (new Set(digests).size < digests.length) throw damagedBundle('it lists a file twice');
  return contents.data;
}
