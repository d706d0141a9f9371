import type { Artifact } from '../../downloads/index.ts';
import { isMap, type NodeMap, readYaml, writeYaml } from '../../engine/template/index.ts';
import { artifactsOf } from '../../manifest/artifacts.ts';

/** A release that a runtime-config brings along. */
export interface ConfigRelease {
  readonly name: string;
  readonly version: string;
  readonly artifact: Artifact;
}

/** The releases of a config that say where they come from. */
export function releasesIn(text: string): ConfigRelease[] {
  const artifacts = artifactsOf(text);
  return entriesOf(text).flatMap(({ name, version, url }) => {
    const artifact = artifacts.find(({ urls }) => urls[0] === url);
    return artifact ? [{ name: String(name), version: String(version), artifact }] : [];
  });
}

/** The config without the places of its releases, which the director has then: `bosh update-runtime-config` does the same. */
export function withoutPlaces(text: string): string {
  const entries = entriesOf(text);
  if (entries.length === 0) return text;
  const releases = entries.map(({ url: _, sha1: __, ...rest }) => rest);
  return writeYaml({ ...(readYaml(text, 'a config') as NodeMap), releases });
}

function entriesOf(text: string): NodeMap[] {
  const config = readYaml(text, 'a config');
  return isMap(config) && Array.isArray(config.releases) ? config.releases.filter(isMap) : [];
}
