import { isMap, type NodeMap } from '../../template/index.ts';
import { ManifestReader } from './reader.ts';

/** How to reach the CPI and the agent: all that delete-env needs of a manifest. */
export interface ProviderPlan {
  /** `https://user:password@host:port` of the agent. */
  readonly mbus: string;
  /** PEM that the agent's certificate is held against. */
  readonly ca: string;
  readonly cpiProperties: NodeMap;
}

/** Reads `cloud_provider`. Throws a UserError that names what is wrong. */
export function providerFrom(manifest: NodeMap): ProviderPlan {
  const reader = new ManifestReader();
  const provider = reader.map(manifest, 'cloud_provider', '');
  const mbus = reader.text(provider, 'mbus', 'cloud_provider');
  if (mbus !== '' && !isAgentUrl(mbus))
    reader.problem('cloud_provider/mbus', 'https://USER:PASSWORD@HOST:PORT is expected');
  const ca = textAt(provider, 'cert', 'ca') ?? pinnedCertificate(manifest);
  if (ca === undefined) reader.problem('cloud_provider/cert/ca', 'it is missing');
  const cpiProperties = reader.map(provider, 'properties', 'cloud_provider');
  reader.finish();
  return { mbus, ca: ca ?? '', cpiProperties };
}

function isAgentUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' && url.hostname !== '';
}

/** The agent shows `env.bosh.mbus.cert` (contract 2.3): without another word its CA, or it itself, is what we trust. */
function pinnedCertificate(manifest: NodeMap): string | undefined {
  const pools = Array.isArray(manifest.resource_pools) ? manifest.resource_pools.filter(isMap) : [];
  for (const pool of pools) {
    const path = [pool, 'env', 'bosh', 'mbus', 'cert'] as const;
    const found = textAt(...path, 'ca') ?? textAt(...path, 'certificate');
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The text at the end of a path of keys; undefined if there is none or an empty one. */
function textAt(node: NodeMap, ...keys: readonly string[]): string | undefined {
  let at: NodeMap[string] = node;
  for (const key of keys) at = (isMap(at) ? at[key] : undefined) ?? null;
  return typeof at === 'string' && at !== '' ? at : undefined;
}
