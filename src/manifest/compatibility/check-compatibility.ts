import type { Finding } from '../../platform/finding.ts';
import { compiledElsewhere } from './compiled-releases.ts';
import { disabledAgent, fewInotifyInstances, systemdMismatch } from './containers.ts';
import { readDirectorManifest, readRuntimeConfig } from './director-manifest.ts';
import { noResolvers } from './resolvers.ts';
import type { StemcellLine } from './stemcell-line.ts';

export interface CompatibilityFacts {
  readonly profile: 'lite' | 'director';
  /** The director's manifest as text; variables may be open. */
  readonly manifest: string;
  /** What the director's machine boots from; undefined where that is not known. */
  readonly machineStemcell: StemcellLine | undefined;
  /** lite: what containers are made from; undefined where that is not known. */
  readonly containerStemcell?: StemcellLine | undefined;
  /** The runtime config for DNS, as text. */
  readonly runtimeConfig?: string | undefined;
  readonly memoryMb: number;
}

/**
 * What does not fit together, found before anything is made; nothing where all fits. `fail`: it cannot come up, and bosh would
 * find out after many minutes. `warn`: it comes up, and something will miss.
 */
export function checkCompatibility(facts: CompatibilityFacts): Finding[] {
  const manifest = readDirectorManifest(facts.manifest);
  if (!manifest) return [];
  const { machineStemcell: machine, containerStemcell: container } = facts;
  return [
    ...(machine ? compiledElsewhere(manifest.releases, machine) : []),
    ...littleMemory(facts),
    ...(facts.profile === 'lite' ? disabledAgent(manifest) : []),
    ...(facts.profile === 'lite' && container
      ? [
          ...systemdMismatch(manifest, container),
          ...fewInotifyInstances(manifest, container),
          ...noResolvers(readRuntimeConfig(facts.runtimeConfig ?? '') ?? {}, container),
        ]
      : []),
  ];
}

/** Director, UAA and CredHub, two of them Java; bosh-deployment gives its machine on VirtualBox 6144 MiB. */
const enoughMemoryMb = 4096;

function littleMemory({ memoryMb }: CompatibilityFacts): Finding[] {
  if (memoryMb >= enoughMemoryMb) return [];
  return [
    {
      id: 'director.memory',
      title: "The director's memory",
      status: 'warn',
      detail: `the machine has ${memoryMb} MiB`,
      why: `a director with UAA and CredHub takes some ${enoughMemoryMb} MiB before anything is deployed`,
      fix: '--memory 6GiB, or --size dev and larger',
    },
  ];
}
