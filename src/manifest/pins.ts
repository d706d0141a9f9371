import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { BugError } from '../platform/errors.ts';
import { packageRoot } from '../platform/package-root.ts';

const hex = (digits: number) => z.string().check(z.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const address = z.string().check(z.regex(/^https:\/\//));

const repositorySchema = z.strictObject({
  version: z.optional(z.string()),
  commit: hex(40),
  /** git's id of all files of the commit. */
  tree: hex(40),
  /** Addresses of a tar.gz of any commit, ((commit)) in its place; mirrors after the first. */
  archives: z.tuple([address], address),
});

const stemcellSchema = z.strictObject({
  /** Its name at a director, as stemcell.MF has it. */
  name: z.string(),
  os: z.string(),
  version: z.string(),
  url: address,
  sha1: hex(40),
});

const pinsSchema = z.strictObject({
  repositories: z.strictObject({ 'bosh-deployment': repositorySchema, 'cf-deployment': repositorySchema }),
  'bosh-cli': z.strictObject({
    version: z.string(),
    /** By `<process.platform>-<process.arch>`. */
    programs: z.record(z.string(), z.strictObject({ url: address, sha256: hex(64) })),
  }),
  /** What a director's machine boots from, by backend. */
  'machine-stemcells': z.record(z.string(), stemcellSchema),
  /** For containers in lite; the first is for everybody. */
  'container-stemcells': z.tuple([stemcellSchema], stemcellSchema),
});

export type Pins = z.output<typeof pinsSchema>;
export type RepositoryPin = z.output<typeof repositorySchema>;
export type StemcellPin = z.output<typeof stemcellSchema>;
export type RepositoryName = keyof Pins['repositories'];

/** What boshvirt takes from elsewhere, in the versions that it was made for. A file that is none is our own fault. */
export async function readPins(path = join(packageRoot(), 'manifests/pins.yml')): Promise<Pins> {
  const read = z.safeParse(pinsSchema, parse(await readFile(path, 'utf8')));
  if (read.success) return read.data;
  const faults = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`);
  throw new BugError(`${path} cannot be used: ${faults.join(', ')}`);
}
