import { readdir } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { errnoOf, messageOf, UserError } from '../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';
import { tunnelSchema, underlaySchema } from './hosts/tunnel-schema.ts';
import { environmentPaths, environmentsFolder } from './paths.ts';

const megabytes = z.int().check(z.nonnegative());

/** What comes up: one machine; a director with deployments as containers inside it; a director whose deployments are VMs. */
export const profileNames = ['lite', 'director', 'machine'] as const;
export type ProfileName = (typeof profileNames)[number];

const recordSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  backend: z.string(),
  profile: z.enum(profileNames),
  engine: z.enum(['builtin', 'bosh-cli']),
  /** Where libvirt answers. */
  uri: z.string(),
  /** Whose libvirt that is: named by the user, the machine's own, or our private one. */
  host: z.enum(['given', 'system', 'private']),
  network: z.object({
    name: z.string(),
    bridge: z.string(),
    cidr: z.string(),
    gateway: z.string(),
    ip: z.string(),
  }),
  pool: z.object({ name: z.string(), path: z.string() }),
  resources: z.object({
    cpus: z.int(),
    memoryMb: megabytes,
    ephemeralDiskMb: megabytes,
    persistentDiskMb: megabytes,
  }),
  /** What `--stemcell` named; absent: the probe stemcell. */
  stemcell: z.optional(z.string()),
  /** What `--agent` named: the bosh-agent in the probe stemcell. */
  agent: z.optional(z.object({ path: z.string(), sha256: z.string() })),
  /** The tarball that the machine was made from; `size` and `changed` (ms) tell later whether it is still that file. */
  stemcellFile: z.optional(
    z.object({ path: z.string(), sha1: z.string(), size: z.number(), changed: z.number() }),
  ),
  /** With a director: a folder, a commit of bosh-deployment, or `pinned`, the one that this version was made for. */
  boshDeployment: z.optional(z.string()),
  /** Where that lies. */
  boshDeploymentFolder: z.optional(z.string()),
  /** lite: the containers' range, which leads to the machine, and the domain whose names all lead to the router in it. */
  workload: z.optional(z.object({ cidr: z.string(), router: z.string(), domain: z.string() })),
  /** With a director: the stemcell of deployments as `--workload-stemcell` named it, a tarball or `none`; absent: the usual one. */
  workloadStemcell: z.optional(z.string()),
  /** No environment of this machine's own but its share in another one's: `boshvirt host join` has made it. */
  joined: z.optional(z.object({ tunnel: tunnelSchema, underlay: underlaySchema })),
  ops: z.array(z.string()),
  varsFiles: z.array(z.string()),
  vars: z.record(z.string(), z.json()),
  /** up: create-env ended well; a later `up` with the same inputs has nothing to do. */
  phase: z.enum(['preparing', 'up', 'deleting']),
  /** Digest of what the last successful create-env was made from. */
  inputs: z.optional(z.string()),
  /** Digest of what the director was given last: configs, the stemcell of deployments. */
  directorInputs: z.optional(z.string()),
});

/** What was decided when the environment was made, kept for later commands. Private to the user: typed variables are in it. */
export type EnvironmentRecord = z.output<typeof recordSchema>;

/** The record, or undefined if there is no such environment. Throws STATE_DAMAGED with the file's name. */
export async function readRecord(name: string): Promise<EnvironmentRecord | undefined> {
  const { record: path } = environmentPaths(name);
  const text = await readTextIfThere(path);
  if (text === undefined) return undefined;
  const parsed = z.safeParse(recordSchema, parseYaml(path, text), { error: en().localeError });
  if (parsed.success) return parsed.data;
  const [first, ...more] = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw damaged(path, more.length === 0 ? `${first}` : `${first} (and ${more.length} more faults)`);
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw damaged(path, messageOf(error));
  }
}

function damaged(path: string, why: string): UserError {
  return new UserError('STATE_DAMAGED', `${path} cannot be used: ${why}`, {
    hints: ['put the file back from a backup, or remove what it describes by hand and delete the folder'],
  });
}

/** The record of an environment that has to exist. */
export async function requireRecord(name: string): Promise<EnvironmentRecord> {
  const record = await readRecord(name);
  if (record) return record;
  const others = await environmentNames();
  throw new UserError('NO_ENVIRONMENT', `There is no environment '${name}'`, {
    hints: [others.length > 0 ? `there are: ${others.join(', ')}` : `make it with: boshvirt up ${name}`],
  });
}

export async function writeRecord(record: EnvironmentRecord): Promise<void> {
  await writeFileAtomic(environmentPaths(record.name).record, stringify(record));
}

/** Names of the environments that live on the private host; one whose record is damaged may live there as well. */
export async function environmentsOnPrivateHost(): Promise<string[]> {
  const names = await environmentNames();
  const hosts = await Promise.all(
    names.map((name) =>
      readRecord(name).then(
        (record) => record?.host,
        () => 'private',
      ),
    ),
  );
  return names.filter((_, at) => hosts[at] === 'private');
}

/** This user's environments but `except`; one whose record is damaged cannot be asked and is passed over. */
export async function readableRecords(except?: string): Promise<EnvironmentRecord[]> {
  const names = (await environmentNames()).filter((name) => name !== except);
  const records = await Promise.all(names.map((name) => readRecord(name).catch(unlessDamaged)));
  return records.filter((record) => record !== undefined);
}

function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof UserError && error.code === 'STATE_DAMAGED')) throw error;
}

/** Names of all environments of this user. */
export async function environmentNames(): Promise<string[]> {
  try {
    const entries = await readdir(environmentsFolder(), { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
