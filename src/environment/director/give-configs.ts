import { join } from 'node:path';
import type { Fetched } from '../../downloads/index.ts';
import { writeFileAtomic } from '../../platform/files.ts';
import { environmentPaths } from '../paths.ts';
import type { Caller } from '../steps/step.ts';
import { applyConfig, type ConfigOutcome } from './apply-config.ts';
import { releasesIn, withoutPlaces } from './config-releases.ts';
import type { DirectorBosh } from './director-bosh.ts';
import { type RenderedConfig, renderedConfigs } from './rendered-configs.ts';

const words: Readonly<Record<ConfigOutcome, string>> = {
  applied: 'applied',
  unchanged: 'as it was',
  kept: 'left as somebody else made it',
};

/** Gives the director what it needs to deploy anything: cloud-config, runtime-config and the releases that this names. */
export async function giveConfigs(
  bosh: DirectorBosh,
  fetched: readonly Fetched[],
  { tell }: Pick<Caller, 'tell'>,
  say: (line: string) => void,
): Promise<void> {
  for (const config of await renderedConfigs(bosh.record)) {
    await giveReleases(bosh, config, fetched, say);
    const title = `${config.type}-config '${config.name}'`;
    const path = join(environmentPaths(bosh.record.name).work, `${config.type}-${config.name}.yml`);
    await writeFileAtomic(path, withoutPlaces(config.text));
    const outcome = await applyConfig(bosh, config.type, config.name, path);
    say(`${title}: ${words[outcome]}`);
    if (outcome === 'kept') tell(keptWords(bosh.record.name, config, path));
  }
}

async function giveReleases(
  bosh: DirectorBosh,
  { text }: RenderedConfig,
  fetched: readonly Fetched[],
  say: (line: string) => void,
): Promise<void> {
  for (const { name, version, artifact } of releasesIn(text)) {
    const file = fetched.find((each) => each.artifact.urls[0] === artifact.urls[0]);
    say(artifact.name);
    // bosh asks the director first, and uploads nothing that is there
    const place = file?.path ?? artifact.urls[0];
    await bosh.run(['upload-release', `--name=${name}`, `--version=${version}`, place]);
  }
}

const keptWords = (environment: string, { type, name }: RenderedConfig, path: string): string => {
  const bosh = `boshvirt exec ${environment} -- bosh`;
  const which = `--type=${type} --name=${name}`;
  return [
    `The ${type}-config '${name}' of '${environment}' was changed at the director: boshvirt's own, a newer one, is not applied over it.`,
    `  → theirs: ${bosh} config ${which}; boshvirt's: ${path}`,
    `  → to take boshvirt's: ${bosh} update-config ${which} ${path}`,
  ].join('\n');
};
