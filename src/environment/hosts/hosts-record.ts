import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { messageOf, UserError } from '../../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { environmentPaths } from '../paths.ts';
import { tunnelSchema, underlaySchema } from './tunnel-schema.ts';

const shared = {
  name: z.string(),
  /** joining: until all of it was there once; leaving: from the first thing that was taken away. */
  phase: z.enum(['joining', 'joined', 'leaving']),
  /** What marks the environment's VMs there: that machine may have an environment of the same name of its own. */
  environment: z.string(),
  tunnel: z.extend(tunnelSchema, {
    /** Where `near` is: on the first machine, or where its libvirt's bridges are, if that is a network of its own. */
    underlay: underlaySchema,
  }),
};

/** One whose libvirt we work with from here. */
const sshHostSchema = z.object({
  kind: z.literal('ssh'),
  ...shared,
  uri: z.string(),
  backend: z.string(),
  /** The backend's own, for this host. */
  options: z.record(z.string(), z.json()),
  pool: z.object({ name: z.string(), path: z.string() }),
  network: z.object({ name: z.string(), bridge: z.string() }),
});

/** One that serves its own CPI: a boshvirt there has joined. */
const servedHostSchema = z.object({
  kind: z.literal('served'),
  ...shared,
  served: z.object({
    /** At the far bridge's link-local address. */
    url: z.string(),
    /** PEM: who signed the server's certificate, and what we show. */
    ca: z.string(),
    certificate: z.string(),
    private_key: z.string(),
  }),
});

const schema = z.object({
  version: z.literal(1),
  /** Tells this environment's hosts from those of others of its name on other machines. */
  id: z.string(),
  hosts: z.array(z.discriminatedUnion('kind', [sshHostSchema, servedHostSchema])),
});

/** A host beside the environment's first one. */
export type HostRecord = SshHost | ServedHost;
export type SshHost = z.output<typeof sshHostSchema>;
export type ServedHost = z.output<typeof servedHostSchema>;
/** The hosts that an environment has been given besides its own. */
export type HostsRecord = z.output<typeof schema>;

const hostsPath = (environment: string): string => join(environmentPaths(environment).folder, 'hosts.yml');

/** The environment's other hosts; without a record there are none. Throws STATE_DAMAGED with the file's name. */
export async function readHosts(environment: string): Promise<HostsRecord> {
  const path = hostsPath(environment);
  const text = await readTextIfThere(path);
  if (text === undefined) return { version: 1, id: randomBytes(3).toString('hex'), hosts: [] };
  const parsed = z.safeParse(schema, parseYaml(path, text), { error: en().localeError });
  if (parsed.success) return parsed.data;
  throw damaged(
    path,
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
  );
}

/** Keeps the environment's hosts, private to the user; of none there is no file. */
export async function writeHosts(environment: string, record: HostsRecord): Promise<void> {
  const path = hostsPath(environment);
  if (record.hosts.length > 0) await writeFileAtomic(path, stringify(record));
  else await rm(path, { force: true });
}

/** Puts a host into the record, in place of an older one of its name. */
export async function keepHost(environment: string, record: HostsRecord, host: HostRecord): Promise<void> {
  const at = record.hosts.findIndex(({ name }) => name === host.name);
  const hosts = at < 0 ? [...record.hosts, host] : record.hosts.with(at, host);
  await writeHosts(environment, { ...record, hosts });
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw damaged(path, messageOf(error));
  }
}

const damaged = (path: string, why: string): UserError =>
  new UserError('STATE_DAMAGED', `${path} cannot be used: ${why}`, {
    hints: ['put the file back from a backup; it says what other machines have for this environment'],
  });
