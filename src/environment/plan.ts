import { snapshotsOnMachine } from './approve-loss.ts';
import { chooseBackend, isOnThisMachine, refuseObstacles } from './choose-backend.ts';
import { chooseHost } from './choose-host.ts';
import { decideEnvironment } from './decide.ts';
import { keptManifest, openManifest } from './deployed-manifest.ts';
import { directorManifest } from './director/director-manifest.ts';
import { hasDirector } from './director/index.ts';
import { refuseMismatch } from './director/refuse-mismatch.ts';
import { type Distance, distance, withSources } from './distance.ts';
import { neededPackages } from './needed-packages.ts';
import { type Downloads, downloadsOf } from './plan/downloads.ts';
import { type HostObject, hostObjects } from './plan/host-objects.ts';
import { type ManifestChange, manifestChange } from './plan/manifest-change.ts';
import { plannedStemcell } from './plan/planned-stemcell.ts';
import { type Room, roomFor } from './plan/room.ts';
import { standingOf } from './plan/standing.ts';
import { type EnvironmentRecord, readRecord } from './record.ts';
import { refuseForeign } from './refuse-foreign.ts';
import type { Caller } from './steps/step.ts';
import type { UpOptions } from './up-job.ts';
import { refuseSenseless, refuseUnfit } from './up-request.ts';
import type { UpRequest } from './up-settings.ts';

/** What `up` would do. */
export interface Plan {
  readonly environment: string;
  /** How far the environment is from what is asked for; `new`: there is none of that name. */
  readonly distance: Distance | 'new';
  readonly profile: EnvironmentRecord['profile'];
  readonly backend: { readonly name: string; readonly why: string };
  readonly engine: EnvironmentRecord['engine'];
  readonly libvirt: { readonly uri: string; readonly host: EnvironmentRecord['host'] };
  /** Those of the operating system that would be installed, once agreed to. */
  readonly packages: readonly string[];
  readonly objects: readonly HostObject[];
  /** Names of snapshots that are lost with the machine; `up` asks first. */
  readonly lostSnapshots: readonly string[];
  readonly downloads: Downloads;
  readonly manifest: ManifestChange;
  /** undefined for a machine on another host. */
  readonly room: Room | undefined;
}

/**
 * Finds out what `up` would do and changes nothing: neither a lock nor a file is made. Throws what `up` would throw before it
 * makes anything but for short memory, which the plan shows.
 */
export async function plan(
  name: string,
  request: UpRequest,
  options: UpOptions,
  caller: Caller,
): Promise<Plan> {
  refuseSenseless(name, request);
  const before = await readRecord(name);
  await refuseUnfit(request, before);
  const far = before ? await distance(before, request, options, caller) : 'new';
  const { module, why } = await chooseBackend(request, before);
  if (!before && isOnThisMachine(request.uri ?? '')) await refuseObstacles(module);
  const chosen = await chooseHost(module, request, before, caller.signal);
  const decided = await decideEnvironment(name, request, chosen, before);
  const packages = await neededPackages(module, request, before);
  if (!before && packages.length === 0) await refuseForeign(decided, caller.log);
  const stemcell = await plannedStemcell(decided, before, caller.signal);
  const sources = await withSources(decided, caller);
  const manifest = sources && (await openManifest(sources, stemcell, options.boshvirtCommand));
  if (sources && hasDirector(sources)) {
    const filled = await directorManifest(sources, stemcell, options.boshvirtCommand);
    await refuseMismatch(sources, stemcell, filled, caller);
  }
  const wanted = sources ?? decided;
  const deployed = before?.phase === 'up' ? await keptManifest(name) : undefined;
  return {
    environment: name,
    distance: far,
    profile: wanted.profile,
    backend: { name: module.name, why },
    engine: wanted.engine,
    libvirt: { uri: wanted.uri, host: wanted.host },
    packages,
    objects: hostObjects({ ...(await standingOf(wanted, before, caller)), wanted, before, distance: far }),
    lostSnapshots: before && far === 'remake' ? await snapshotsOnMachine(before, caller) : [],
    downloads: await downloadsOf(decided, sources, stemcell, options.boshvirtCommand),
    manifest: manifestChange(deployed, manifest, before?.vars ?? {}, wanted.vars),
    room: await roomFor(wanted, before),
  };
}
