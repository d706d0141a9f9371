import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
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

const options = z._default(z.nullable(z.record(z.string(), z.unknown())), {});

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
  libvirt: z._default(z.object({ uri: z.nullish(z.string()), network_namespace: z.nullish(z.string()) }), {}),
  storage_pool: z._default(z.string(), 'boshvirt-default'),
  network: z._default(z.string(), 'boshvirt-default'),
});

/** Reads cpi.json; without a path every value is its default. Throws a CloudError that names file and key. */
export async function readCpiConfig(path: string | undefined): Promise<CpiConfig> {
  const parsed = parse(schema, path === undefined ? {} : readJson(path), path);
  const { backend, environment, agent, libvirt, storage_pool: storagePool, network } = parsed;
  const own = parse(z.object({ [backend]: options }), parsed, path)[backend];
  return {
    backend,
    environment,
    agent: { mbus: agent.mbus, blobstore: agent.blobstore as JsonObject | null, ntp: agent.ntp ?? [] },
    uri: libvirt.uri ?? undefined,
    storagePool,
    network,
    networkNamespace: libvirt.network_namespace || undefined,
    options: (own ?? {}) as JsonObject,
  };
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
