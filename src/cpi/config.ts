import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import type { BackendConfig, JsonObject } from './backend.ts';
import { CloudError } from './errors.ts';
import { issuesOf, jsonFault } from './wire.ts';

/** What the guests' agents are told by the CPI itself rather than by the request's env (contract 1.5). */
export interface AgentConfig {
  readonly mbus: string;
  readonly blobstore: JsonObject | null;
  readonly ntp: readonly string[];
}

export interface CpiConfig extends BackendConfig {
  readonly backend: string;
  readonly agent: AgentConfig;
}

/** The folded form of cpi.json, as templates/release/cpi.json.erb writes it. */
const schema = z.object({
  backend: z._default(z.string(), 'qemu'),
  environment: z._default(z.string(), 'default'),
  agent: z._default(
    z.object({
      mbus: z._default(z.string(), ''),
      blobstore: z._default(z.nullable(z.record(z.string(), z.unknown())), null),
      ntp: z._default(z.nullable(z.array(z.string())), []),
    }),
    { mbus: '', blobstore: null, ntp: [] },
  ),
  libvirt: z._default(z.object({ uri: z._default(z.string(), 'qemu:///system') }), { uri: 'qemu:///system' }),
  storage_pool: z._default(z.string(), 'boshvirt-default'),
  network: z._default(z.string(), 'boshvirt-default'),
  qemu: z._default(z.nullable(z.record(z.string(), z.unknown())), {}),
});

/** Reads cpi.json; without a path every value is its default. Throws a CloudError that names file and key. */
export async function readCpiConfig(path: string | undefined): Promise<CpiConfig> {
  const parsed = schema.safeParse(path === undefined ? {} : readJson(path));
  if (!parsed.success)
    throw new CloudError('CpiError', `The CPI's configuration ${path} is wrong: ${issuesOf(parsed.error)}`);
  const { backend, environment, agent, libvirt, storage_pool: storagePool, network, qemu } = parsed.data;
  return {
    backend,
    environment,
    agent: { mbus: agent.mbus, blobstore: agent.blobstore as JsonObject | null, ntp: agent.ntp ?? [] },
    uri: libvirt.uri,
    storagePool,
    network,
    options: (qemu ?? {}) as JsonObject,
  };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')); // node:fs/promises would take 2 ms to load
  } catch (error) {
    throw new CloudError('CpiError', `The CPI's configuration ${path} cannot be read: ${jsonFault(error)}`);
  }
}
