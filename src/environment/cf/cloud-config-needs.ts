import type { Node, NodeMap } from '../../engine/template/index.ts';
import { mapsIn } from './maps-in.ts';

/** Lists of a cloud-config, and what of an instance group names their entries. */
const lists = {
  azs: (group: NodeMap) => textsIn(group.azs),
  networks: (group: NodeMap) => mapsIn(group.networks).flatMap(({ name }) => textsIn([name ?? null])),
  vm_types: (group: NodeMap) => textsIn([group.vm_type ?? null]),
  disk_types: (group: NodeMap) => textsIn([group.persistent_disk_type ?? null]),
  vm_extensions: (group: NodeMap) => textsIn(group.vm_extensions),
} as const;

/** What the manifest's instance groups name and the cloud-config lacks, as `vm_types: small-highmem`. */
export function lacksOfCloudConfig(manifest: NodeMap, cloudConfig: NodeMap): string[] {
  const groups = mapsIn(manifest.instance_groups);
  return Object.entries(lists).flatMap(([list, namesOf]) => {
    const there = new Set(mapsIn(cloudConfig[list]).map(({ name }) => name));
    const lacking = new Set(groups.flatMap(namesOf).filter((name) => !there.has(name)));
    return [...lacking].map((name) => `${list}: ${name}`);
  });
}
const textsIn = (node: Node | undefined): string[] =>
  Array.isArray(node) ? node.filter((item) => typeof item === 'string') : [];
