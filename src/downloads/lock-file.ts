import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import * as z from 'zod/mini';
import { messageOf, UserError } from '../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';
import { shortHash } from '../platform/ids.ts';
import { takeLock } from '../platform/lock.ts';
import { shownAddress } from './address.ts';
import type { Fetched } from './artifact.ts';

const lockedSchema = z.object({
  name: z.string(),
  url: z.string(),
  sha1: z.string().check(z.regex(/^[0-9a-f]{40}$/)),
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  bytes: z.int(),
});
const lockFileSchema = z.object({
  version: z.literal(1),
  /** By environment, and in it by what they are for: what is fetched together is replaced together. */
  env: z.record(z.string(), z.record(z.string(), z.array(lockedSchema))),
});

/** What was fetched from an address once, and is to be the same on each machine. */
export type Locked = z.output<typeof lockedSchema>;
export type LockFile = z.output<typeof lockFileSchema>;

const heading = `# Written by boshvirt: what was fetched for each environment, so that another machine gets the same bytes.
# Keep it in version control. boshvirt up --update-lock accepts what the addresses give now.
`;
const writeTimeoutMs = 60_000;

/** A lock file, or undefined if there is none. Throws STATE_DAMAGED with its path. */
export async function readLockFile(path: string): Promise<LockFile | undefined> {
  const text = await readTextIfThere(path);
  return text === undefined ? undefined : parseLockFile(text, path);
}

/** `where` is named if it cannot be read. */
export function parseLockFile(text: string, where: string): LockFile {
  try {
    return z.parse(lockFileSchema, parse(text));
  } catch (error) {
    throw new UserError('STATE_DAMAGED', `${where} cannot be used: ${firstIssue(error)}`, {
      hints: ['put it back from version control, or delete it: the next boshvirt up writes a new one'],
    });
  }
}

function firstIssue(error: unknown): string {
  if (!(error instanceof z.core.$ZodError)) return messageOf(error);
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'invalid'}`;
}

export const lockFileText = (file: LockFile): string => heading + stringify(file);

/** What a lock file says of something that was fetched. */
export const lockedOf = ({ artifact, sha1, sha256, bytes }: Fetched): Locked => ({
  name: artifact.name,
  url: shownAddress(artifact.urls[0]),
  sha1,
  sha256,
  bytes,
});

/** All of an environment's artifacts. */
export const lockedFor = (file: LockFile | undefined, environment: string): Locked[] =>
  Object.values(file?.env[environment] ?? {}).flat();

/** Changes a lock file, one process at a time; one that would say the same stays untouched. */
export async function changeLockFile(
  path: string,
  folder: string,
  change: (file: LockFile) => LockFile,
): Promise<void> {
  const guard = join(folder, 'locks', `${shortHash(path, 40)}.lock`);
  await using _lock = await takeLock(guard, writeTimeoutMs, path);
  const before = await readTextIfThere(path);
  const after = lockFileText(
    change(before === undefined ? { version: 1, env: {} } : parseLockFile(before, path)),
  );
  if (after !== before) await writeFileAtomic(path, after, { mode: 0o644 });
}
