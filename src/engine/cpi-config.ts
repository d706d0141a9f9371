import { isMap, type NodeMap } from './template/index.ts';

/**
 * The embedded CPI's configuration out of a manifest's `cloud_provider.properties` (contract 6). The release's template
 * templates/release/cpi.json.erb says the same in ERB.
 */
export function cpiConfigFrom(properties: NodeMap): NodeMap {
  const boshvirt = mapAt(properties, 'boshvirt');
  const agent = mapAt(properties, 'agent');
  const config: NodeMap = {
    agent: {
      mbus: agent.mbus ?? '',
      blobstore: properties.blobstore ?? agent.blobstore ?? null,
      ntp: properties.ntp ?? agent.ntp ?? [],
    },
    libvirt: mapAt(properties, 'libvirt'),
  };
  for (const key of ['backend', 'environment', 'storage_pool', 'network', 'qemu'] as const) {
    const value = boshvirt[key];
    if (value !== undefined && value !== null) config[key] = value;
  }
  return config;
}

function mapAt(node: NodeMap, key: string): NodeMap {
  const value = node[key] ?? null;
  return isMap(value) ? value : {};
}
