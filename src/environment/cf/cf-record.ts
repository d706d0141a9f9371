import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import * as z from 'zod/mini';
import { messageOf, UserError } from '../../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { environmentPaths } from '../paths.ts';

const schema = z.object({
  version: z.literal(1),
  /** A folder, a commit, or `pinned`. */
  cfDeployment: z.string(),
  /** The director's name for it. */
  deployment: z.string(),
  systemDomain: z.string(),
  ops: z.array(z.string()),
  varsFiles: z.array(z.string()),
  vars: z.record(z.string(), z.json()),
});

/** What `cf up` was asked for last; later commands need no flags. Private to the user: typed variables are in it. */
export type CfRecord = z.output<typeof schema>;

const recordPath = (environment: string): string =>
  join(environmentPaths(environment).folder, 'cf', 'cf.yml');

/** Where the variables for `bosh deploy` are put, 0600. */
export const cfVarsPath = (environment: string): string =>
  join(environmentPaths(environment).folder, 'cf', 'vars.json');

/** Throws STATE_DAMAGED with the file's name. */
export async function readCfRecord(environment: string): Promise<CfRecord | undefined> {
  const path = recordPath(environment);
  const text = await readTextIfThere(path);
  if (text === undefined) return undefined;
  try {
    return z.parse(schema, parse(text));
  } catch (error) {
    throw new UserError('STATE_DAMAGED', `${path} cannot be used: ${messageOf(error)}`, {
      cause: error,
      hints: ['delete it, and give boshvirt cf up its flags again'],
    });
  }
}

export async function writeCfRecord(environment: string, record: CfRecord): Promise<void> {
  await writeFileAtomic(recordPath(environment), stringify(record));
}

export async function forgetCf(environment: string): Promise<void> {
  await rm(join(environmentPaths(environment).folder, 'cf'), { recursive: true, force: true });
}
