import { join } from 'node:path';
import type { JsonValue } from '../../engine/engine.ts';
import { interpolateText, isMap, type NodeMap, readYaml } from '../../engine/template/index.ts';
import type { StemcellPin } from '../../manifest/pins.ts';
import { UserError } from '../../platform/errors.ts';
import { packageRoot } from '../../platform/package-root.ts';
import { type CfTree, compiledReleasesOf } from './cf-tree.ts';
import { chooseReleases } from './choose-releases.ts';
import { mapsIn } from './maps-in.ts';
import { missingVariables } from './missing-variables.ts';
import { type StemcellLine, type WardenStemcell, wardenStemcell } from './warden-stemcell.ts';

/** What a deployment of Cloud Foundry is made from. */
export interface CfInputs {
  readonly tree: CfTree;
  readonly systemDomain: string;
  /** Address of the router in the containers' range. */
  readonly routerIp: string;
  /** The user's own, applied last. */
  readonly ops: readonly string[];
  readonly vars: Readonly<Record<string, JsonValue>>;
  readonly varsFiles: readonly string[];
  /** Stemcells for containers whose checksum is known. */
  readonly stemcellPins: readonly StemcellPin[];
  /** Whether a stemcell can be had. */
  canHave(stemcell: WardenStemcell): Promise<boolean>;
}

/** The inputs of `bosh deploy`, and what they come to. */
export interface CfPlan {
  readonly deployment: string;
  readonly manifestPath: string;
  readonly opsFiles: readonly string[];
  /** Ours, then the user's. */
  readonly vars: Readonly<Record<string, JsonValue>>;
  readonly varsFiles: readonly string[];
  readonly stemcell: WardenStemcell;
  readonly releases: readonly CfRelease[];
  readonly compiled: boolean;
  /** Why those stemcell and releases, in a line. */
  readonly why: string;
  /** With all but the director's variables filled in. */
  readonly manifest: NodeMap;
}

export interface CfRelease {
  readonly name: string;
  readonly version: string;
  /** Absent: it has to be on the director. */
  readonly url?: string;
  /** As the manifest writes it: SHA-1, or `sha256:` and another. */
  readonly digest?: string;
  readonly stemcell?: StemcellLine;
}

/**
 * Decides stemcell and releases, and renders the manifest as `bosh deploy` will. Throws a UserError for operations that do not
 * fit and for variables that nothing gives.
 */
export async function planCf(inputs: CfInputs): Promise<CfPlan> {
  const { tree, ops, varsFiles } = inputs;
  const render = async (opsFiles: readonly string[], vars: CfInputs['vars']): Promise<NodeMap> => {
    const text = await interpolateText({ manifestPath: tree.manifest, opsFiles, vars, varsFiles });
    return readYaml(text, tree.manifest) as NodeMap;
  };
  const plain = await render([tree.boshLite], inputs.vars);
  const theirs = await render([tree.boshLite, ...ops], inputs.vars);
  const wanted = stemcellIn(theirs, tree);
  const compiled = await compiledReleasesOf(tree);
  const compiledFor = compiled[0] && wardenStemcell(compiled[0].stemcell, inputs.stemcellPins);
  const choice = chooseReleases({
    wanted,
    wantedByUser: !isSame(wanted, stemcellIn(plain, tree)),
    releases: new Map(releasesIn(theirs).map(({ name, version }) => [name, version])),
    compiled,
    canHaveTheirs: compiledFor !== undefined && (await inputs.canHave(compiledFor)),
  });
  const compiledOps = choice.compiled && tree.compiledReleases ? [tree.compiledReleases] : [];
  const opsFiles = [tree.boshLite, ...compiledOps, ourOps(), ...ops];
  const vars = {
    system_domain: inputs.systemDomain,
    router_ip: inputs.routerIp,
    stemcell_version: choice.stemcell.version,
    ...inputs.vars,
  };
  const manifest = await render(opsFiles, vars);
  refuseMissing(manifest);
  const stemcell = wardenStemcell(stemcellIn(manifest, tree), inputs.stemcellPins);
  return {
    deployment: String(manifest.name),
    manifestPath: tree.manifest,
    opsFiles,
    vars,
    varsFiles,
    stemcell,
    releases: releasesIn(manifest),
    compiled: choice.compiled,
    why: choice.why,
    manifest,
  };
}

const ourOps = (): string => join(packageRoot(), 'ops-files', 'cf-lite.yml');
const isSame = (a: StemcellLine, b: StemcellLine): boolean => a.os === b.os && a.version === b.version;

/** The stemcell that the instance groups of cf-deployment name `default`. */
function stemcellIn(manifest: NodeMap, { manifest: path }: CfTree): StemcellLine {
  const found = mapsIn(manifest.stemcells).find(({ alias }) => alias === 'default');
  const { os, version } = found ?? {};
  if (typeof os !== 'string' || version === undefined) {
    throw new UserError(
      'USAGE',
      `${path} does not say which stemcell it wants: os ${os}, version ${version}`,
      {
        hints: ['its stemcell `default` has to have an os and a version'],
      },
    );
  }
  return { os, version: String(version) };
}

const releasesIn = (manifest: NodeMap): CfRelease[] =>
  mapsIn(manifest.releases).map(({ name, version, url, sha1, stemcell }) => ({
    name: String(name),
    version: String(version),
    ...(typeof url === 'string' ? { url } : {}),
    ...(typeof sha1 === 'string' ? { digest: sha1 } : {}),
    ...(isMap(stemcell) ? { stemcell: { os: String(stemcell.os), version: String(stemcell.version) } } : {}),
  }));

function refuseMissing(manifest: NodeMap): void {
  const missing = missingVariables(manifest);
  if (missing.length === 0) return;
  throw new UserError('USAGE', `The manifest of Cloud Foundry needs values for: ${missing.join(', ')}`, {
    hints: ['give each with -v NAME=VALUE, or all in a file with -l'],
  });
}
