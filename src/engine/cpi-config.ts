import { isMap, type NodeMap } from './template/index.ts';

/**
 * The embedded CPI's configuration out of a manifest's `cloud_provider.properties` (contract 6). The release's template
 * templates/release/cpi.json.erb says the same in ERB.
 */
export function cpiConfigFrom(properties: NodeMap): NodeMap {
  const boshvirt = mapAt(properties, 'boshvirt');
  const agent = mapAt(properties, 'agent');
  // `command` is for the one who starts the CPI; all others are settings, or the options of a backend under its name
  const { command: _, ...settings } = boshvirt;
  const given = Object.entries(settings).filter(([, value]) => value !== undefined && value !== null);
  return {
    ...Object.fromEntries(given),
    agent: {
      mbus: agent.mbus ?? '',
      blobstore: properties.blobstore ?? agent.blobstore ?? null,
      ntp: properties.ntp ?? agent.ntp ?? [],
    },
    libvirt: mapAt(properties, 'libvirt'),
  };
}

function mapAt(node: NodeMap, key: string): NodeMap {
  const value = node[key] ?? null;
  return isMap(value) ? value : {};
}
