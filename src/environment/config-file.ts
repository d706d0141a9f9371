import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { cosmiconfig, defaultLoaders } from 'cosmiconfig';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { errnoOf, messageOf, UserError } from '../platform/errors.ts';
import { nearest } from '../platform/nearest.ts';
import { userConfigPath } from './paths.ts';
import { parseMegabytes } from './sizes.ts';
import type { UpRequest } from './up-settings.ts';

const size = z.union([z.string(), z.number()]);
const environmentSchema = z.strictObject({
  backend: z.optional(z.string()),
  profile: z.optional(z.string()),
  uri: z.optional(z.string()),
  size: z.optional(z.enum(['tiny', 'dev', 'cf'])),
  stemcell: z.optional(z.string()),
  workloadStemcell: z.optional(z.string()),
  agent: z.optional(z.string()),
  resources: z.optional(
    z.strictObject({
      cpus: z.optional(z.int().check(z.minimum(1), z.maximum(512))),
      memory: z.optional(size),
      disk: z.optional(size),
      ephemeral: z.optional(size),
    }),
  ),
  network: z.optional(
    z.strictObject({
      cidr: z.optional(z.string()),
      ip: z.optional(z.string()),
      workload: z.optional(z.string()),
      domain: z.optional(z.string()),
    }),
  ),
  bosh: z.optional(
    z.strictObject({
      engine: z.optional(z.string()),
      deployment: z.optional(z.string()),
      ops: z.optional(z.array(z.string())),
      vars: z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
      varsFiles: z.optional(z.array(z.string())),
    }),
  ),
});
const fileSchema = z.strictObject({
  version: z.optional(z.literal(1)),
  /** The short form: the backend by libvirt's URI alone. */
  cloud_provider: z.optional(
    z.strictObject({
      template: z.optional(z.literal('libvirt')),
      properties: z.optional(
        z.strictObject({ libvirt: z.optional(z.strictObject({ uri: z.optional(z.string()) })) }),
      ),
    }),
  ),
  env: z.optional(z.record(z.string(), z.nullable(environmentSchema))),
});
const knownKeys = [
  ...Object.keys(fileSchema.def.shape),
  ...Object.keys(environmentSchema.def.shape),
  ...Object.values(environmentSchema.def.shape).flatMap((field) => {
    const inner = field.def.innerType;
    return 'shape' in inner.def ? Object.keys(inner.def.shape) : [];
  }),
];
type FileContent = z.output<typeof fileSchema>;

/**
 * What the configuration files say about an environment: the named file, else the project's (boshvirt.yml upward from the
 * working directory, up to the home folder), over the user's. Throws a UserError that names file and key.
 */
export async function requestFromFiles(environment: string, configPath?: string): Promise<UpRequest> {
  const { user, project } = await searchFiles(configPath);
  return {
    ...withoutGaps(user && requestIn(user, environment)),
    ...withoutGaps(project && requestIn(project, environment)),
  };
}

/** The project's own configuration file: the named one, else the one found; undefined if there is none. */
export const projectFile = async (configPath?: string): Promise<string | undefined> =>
  (await searchFiles(configPath)).project?.path;

interface Found {
  readonly path: string;
  readonly content: FileContent;
}

/** YAML and JSON alone: the library's other loaders would run code found in any parent folder. */
async function searchFiles(
  configPath: string | undefined,
): Promise<{ user: Found | undefined; project: Found | undefined }> {
  const loaders = {
    '.yml': defaultLoaders['.yml'],
    '.yaml': defaultLoaders['.yaml'],
    '.json': defaultLoaders['.json'],
  };
  const names = ['boshvirt.yml', 'boshvirt.yaml', 'boshvirt.json'];
  const explorer = cosmiconfig('boshvirt', {
    searchPlaces: names,
    loaders: {
      ...loaders,
      noExt: defaultLoaders['.yaml'],
      '.js': refuse,
      '.cjs': refuse,
      '.mjs': refuse,
      '.ts': refuse,
    },
    searchStrategy: 'global',
    stopDir: homedir(),
  });
  const load = async (
    act: () => Promise<{ config: unknown; filepath: string; isEmpty?: boolean } | null>,
    where: string,
  ) => {
    try {
      const result = await act();
      return result && !result.isEmpty
        ? { path: result.filepath, content: checked(result.filepath, result.config) }
        : undefined;
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(
        'USAGE',
        `${where} cannot be read: ${errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error)}`,
        { cause: error },
      );
    }
  };
  const userPath = userConfigPath();
  return {
    user: existsSync(userPath) ? await load(() => explorer.load(userPath), userPath) : undefined,
    project: await (configPath === undefined
      ? load(() => explorer.search(process.cwd()), 'The project’s configuration')
      : load(() => explorer.load(resolve(configPath)), configPath)),
  };
}

function refuse(path: string): never {
  throw new UserError('USAGE', `${path}: a configuration is YAML or JSON`);
}

function checked(path: string, config: unknown): FileContent {
  const parsed = z.safeParse(fileSchema, config, { error: en().localeError });
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const unknown = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  const guesses = unknown.map((key) => nearest(key, knownKeys)).filter((guess) => guess !== undefined);
  throw new UserError('USAGE', `${path}: ${issues.map(inWords).join('; ')}`, {
    hints: [
      ...(guesses.length > 0 ? [`did you mean ${guesses.join(', ')}?`] : []),
      'docs/configuration.md lists the keys',
    ],
  });
}

function inWords(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.');
  if (issue.code === 'unrecognized_keys')
    return `unknown key ${issue.keys.map((key) => [where, key].filter(Boolean).join('.')).join(', ')}`;
  return `${where || 'the whole'}: ${issue.message}`;
}

function requestIn({ path, content }: Found, environment: string): UpRequest {
  const entry = content.env?.[environment] ?? {};
  const { resources = {}, network = {}, bosh = {} } = entry;
  const beside = (file: string) => resolve(dirname(path), file);
  return {
    backend: entry.backend,
    profile: entry.profile,
    engine: bosh.engine,
    uri: entry.uri ?? content.cloud_provider?.properties?.libvirt?.uri,
    size: entry.size,
    cpus: resources.cpus,
    memoryMb: megabytes(resources.memory, path),
    persistentDiskMb: megabytes(resources.disk, path),
    ephemeralDiskMb: megabytes(resources.ephemeral, path),
    cidr: network.cidr === 'auto' ? undefined : network.cidr,
    ip: network.ip === 'auto' ? undefined : network.ip,
    boshDeployment: besideIfPath(bosh.deployment, beside),
    workloadCidr: network.workload,
    domain: network.domain,
    stemcell: entry.stemcell === undefined ? undefined : beside(entry.stemcell),
    workloadStemcell: besideUnlessNone(entry.workloadStemcell, beside),
    agent: entry.agent === undefined ? undefined : beside(entry.agent),
    ops: bosh.ops?.map(beside),
    varsFiles: bosh.varsFiles?.map(beside),
    vars: bosh.vars,
  };
}

/** A commit or `pinned` is a word; a folder has a slash or a dot in it. */
const besideIfPath = (text: string | undefined, beside: (file: string) => string): string | undefined =>
  text !== undefined && /[./]/.test(text) ? beside(text) : text;

const besideUnlessNone = (text: string | undefined, beside: (file: string) => string): string | undefined =>
  text === undefined || text === 'none' ? text : beside(text);

const megabytes = (value: string | number | undefined, path: string): number | undefined =>
  value === undefined ? undefined : parseMegabytes(String(value), path);

/** Leaves out what is undefined, so that one file's silence does not hide the other's word. */
export function withoutGaps(request: UpRequest | undefined): UpRequest {
  return Object.fromEntries(Object.entries(request ?? {}).filter(([, value]) => value !== undefined));
}
