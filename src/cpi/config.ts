import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { parseJson } from '../platform/parse-json.ts';
import type { BackendConfig, JsonObject } from './backend.ts';
import { defaultBackend } from './backends/registry.ts';
import { CloudError } from './errors.ts';
import { issuesOf, jsonFault } from './wire.ts';

/** What the guests' agents are told by the CPI itself rather than by the request's env (contract 1.5). */
export interface AgentConfig {
  readonly mbus: string;
  readonly blobstore: JsonObject | null;
  readonly ntp: readonly string[];
}

export interface CpiConfig extends Omit<BackendConfig, 'uri'> {
  readonly backend: string;
  readonly agent: AgentConfig;
  /** Without it, libvirt is where the backend finds it on this machine. */
  readonly uri: string | undefined;
}

/** Where a director says, by its cpi-config, which of the hosts a request is for. */
const hostKey = 'boshvirt_host';

const options = z._default(z.nullable(z.record(z.string(), z.unknown())), {});

const libvirt = z.object({ uri: z.nullish(z.string()), network_namespace: z.nullish(z.string()) });

/** Another host that serves its CPI itself: requests are handed over to it. PEM. */
const servedSchema = z.object({
  url: z.string(),
  ca: z.string(),
  certificate: z.string(),
  private_key: z.string(),
});
export type ServedHost = z.output<typeof servedSchema>;

/** Another host whose libvirt this CPI reaches; a backend's options stand under its name. */
const reachedSchema = z.looseObject({
  backend: z.string(),
  environment: z.string(),
  libvirt: z.extend(libvirt, { uri: z.string() }),
  storage_pool: z.string(),
  network: z.string(),
});

/** The folded form of cpi.json, as templates/release/cpi.json.erb writes it; a backend's options stand under its name. */
const schema = z.looseObject({
  backend: z._default(z.string(), defaultBackend),
  environment: z._default(z.string(), 'default'),
  agent: z._default(
    z.object({
      mbus: z._default(z.string(), ''),
      blobstore: z._default(z.nullable(z.record(z.string(), z.unknown())), null),
      ntp: z._default(z.nullable(z.array(z.string())), []),
    }),
    { mbus: '', blobstore: null, ntp: [] },
  ),
  libvirt: z._default(libvirt, {}),
  storage_pool: z._default(z.string(), 'boshvirt-default'),
  network: z._default(z.string(), 'boshvirt-default'),
  hosts: z._default(z.nullable(z.record(z.string(), reachedSchema)), {}),
  served_hosts: z._default(z.nullable(z.record(z.string(), servedSchema)), {}),
});

/**
 * Reads cpi.json; without a path every value is its default. `host`: the one of its `hosts` that is meant, else the CPI's own.
 * Throws a CloudError that names file and key.
 */
export async function readCpiConfig(path: string | undefined, host?: string): Promise<CpiConfig> {
  const parsed = parse(schema, path === undefined ? {} : readJson(path), path);
  const place = host === undefined ? parsed : hostNamed(host, parsed, path);
  const { backend, environment, libvirt, storage_pool: storagePool, network } = place;
  const own = parse(z.object({ [backend]: options }), place, path)[backend];
  return {
    backend,
    environment,
    agent: agentOf(parsed),
    uri: libvirt.uri ?? undefined,
    storagePool,
    network,
    networkNamespace: libvirt.network_namespace || undefined,
    options: (own ?? {}) as JsonObject,
  };
}

type Parsed = z.output<typeof schema>;

const agentOf = ({ agent: { mbus, blobstore, ntp } }: Parsed): AgentConfig => ({
  mbus,
  blobstore: blobstore as JsonObject | null,
  ntp: ntp ?? [],
});

/** The host of that name if it serves its own CPI, and what agents are to be told there; undefined for others. */
export function readServedHost(
  path: string | undefined,
  name: string,
): { host: ServedHost; agent: AgentConfig } | undefined {
  const parsed = parse(schema, path === undefined ? {} : readJson(path), path);
  const hosts = parsed.served_hosts ?? {};
  const host = Object.hasOwn(hosts, name) ? hosts[name] : undefined;
  return host && { host, agent: agentOf(parsed) };
}

/**
 * The host that a request's context names: the properties of the cpi-config's entry arrive there (contract 1.1). A director names a
 * host of cpi.json's and nothing more of it, no file and no address. Text that is no request names none: dispatch says what it is.
 */
export function hostWanted(requestText: string): string | undefined {
  if (!requestText.includes(hostKey)) return undefined; // most requests: they need no second look
  const request = parseJson(requestText) as { context?: Record<string, unknown> | null } | undefined;
  const host = request?.context?.[hostKey];
  if (host === undefined || host === null || host === '') return undefined;
  if (typeof host === 'string') return host;
  throw new CloudError('CpiError', `The request's context has a ${hostKey} that is no text`);
}

/** The same request for the host itself, which knows no other hosts. */
export function forHostItself(requestText: string): string {
  const request = JSON.parse(requestText) as { context: Record<string, unknown> };
  const { [hostKey]: _, ...context } = request.context;
  return JSON.stringify({ ...request, context });
}

function hostNamed(name: string, { hosts, served_hosts: served }: Parsed, path: string | undefined) {
  const host = Object.hasOwn(hosts ?? {}, name) ? hosts?.[name] : undefined;
  if (host !== undefined) return host;
  const known = Object.keys({ ...hosts, ...served }).join(', ') || 'none';
  throw new CloudError(
    'CpiError',
    `The director's cpi-config names the host '${name}', which is not in ${path ?? 'the CPI’s configuration'} (there: ${known})`,
    { hints: ['boshvirt host list shows the hosts, boshvirt host add adds one'] },
  );
}

function parse<Schema extends z.ZodMiniType>(
  shape: Schema,
  value: unknown,
  path: string | undefined,
): z.output<Schema> {
  const parsed = z.safeParse(shape, value);
  if (parsed.success) return parsed.data;
  throw new CloudError('CpiError', `The CPI's configuration ${path} is wrong: ${issuesOf(parsed.error)}`);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')); // node:fs/promises would take 2 ms to load
  } catch (error) {
    throw new CloudError('CpiError', `The CPI's configuration ${path} cannot be read: ${jsonFault(error)}`);
  }
}
