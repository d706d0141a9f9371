import { type Artifact, type FetchOptions, fetchArtifacts } from '../../downloads/index.ts';
import type { GuestRoad } from '../../engine/engine.ts';
import { type NodeMap, readYaml, writeJsonForYaml } from '../../engine/template/index.ts';
import { readPins } from '../../manifest/pins.ts';
import { BoshvirtError, BugError, UserError } from '../../platform/errors.ts';
import { writeFileAtomic } from '../../platform/files.ts';
import { checkoutOf } from '../checkouts/index.ts';
import { currentConfig } from '../director/apply-config.ts';
import { type DirectorBosh, directorAccess } from '../director/index.ts';
import { type FetchSettings, fetchOptionsOf } from '../fetch-options.ts';
import type { Caller, Step } from '../steps/step.ts';
import { addressOf, waitForApi } from './api-answer.ts';
import { releaseArtifact, stemcellArtifact } from './cf-artifacts.ts';
import { secretOf } from './cf-credentials.ts';
import { cfVarsPath, writeCfRecord } from './cf-record.ts';
import type { CfSettings } from './cf-settings.ts';
import { cfTree } from './cf-tree.ts';
import { lacksOfCloudConfig } from './cloud-config-needs.ts';
import { openCredHub } from './credhub.ts';
import { type DirectorStock, hasStemcell, slug, stockOf } from './director-stock.ts';
import { type CfPlan, type CfRelease, planCf } from './plan-cf.ts';
import type { LiteRecord } from './require-lite.ts';
import { runTask } from './run-task.ts';
import type { WardenStemcell } from './warden-stemcell.ts';

/** What is to be deployed where, and how. */
export interface CfTask {
  readonly record: LiteRecord;
  readonly settings: CfSettings;
  readonly options: CfUpOptions;
  readonly caller: Caller;
}

/** A task with what carries it out. */
export interface CfJob extends CfTask {
  readonly bosh: DirectorBosh;
  readonly road: GuestRoad;
  /** Words before a command that is to know the environment's names. */
  readonly place: readonly string[];
}

export interface CfUpOptions extends FetchSettings {
  /** Releases go through this machine's cache instead of straight to the director. */
  readonly viaCache: boolean;
  /** How long the API may take to answer once all is deployed. */
  readonly apiTimeoutMs: number;
}

/** What the steps hand to one another. */
export interface CfWork {
  plan?: CfPlan;
  /** What programs of this machine take for the API's address. */
  apiAddress?: string | undefined;
}

/** From an environment that answers to a Cloud Foundry that does. */
export const stepsOfCfUp = (job: CfJob): Step<CfWork>[] => [
  planStep(job),
  configsStep(job),
  stemcellStep(job),
  releasesStep(job),
  deployStep(job),
  apiStep(job),
];

/** The plan as `--dry-run` shows it: nobody is asked what there is. */
export async function planOf(task: CfTask, say: (line: string) => void): Promise<CfPlan> {
  return await makePlan(task, async () => true, say);
}

function planStep(job: CfJob): Step<CfWork> {
  return {
    title: 'Choose stemcell and releases',
    async run(work, say) {
      const canHave = async (stemcell: WardenStemcell) =>
        !job.options.offline ||
        hasStemcell(await stockOf(job.bosh), stemcell) ||
        (await isCached(stemcellArtifact(stemcell), fetchOptionsOf(job.options, job.caller, say)));
      work.plan = await makePlan(job, canHave, say);
      say(work.plan.why);
    },
  };
}

async function makePlan(
  task: CfTask,
  canHave: (stemcell: WardenStemcell) => Promise<boolean>,
  say: (line: string) => void,
): Promise<CfPlan> {
  const { settings, record } = task;
  const { cfDeployment, systemDomain, ops, vars, varsFiles } = settings;
  // not locked: git hosts pack the same files anew
  const fetching = fetchOptionsOf(task.options, task.caller, say);
  const folder = await checkoutOf('cf-deployment', cfDeployment, fetching);
  const { 'container-stemcells': stemcellPins } = await readPins();
  const routerIp = record.workload.router;
  const tree = await cfTree(folder);
  return await planCf({ tree, systemDomain, routerIp, ops, vars, varsFiles, stemcellPins, canHave });
}

/** What `boshvirt up` gave the director: without it the deployment fails late, and in other words. */
function configsStep({ record, bosh }: CfJob): Step<CfWork> {
  return {
    title: "Look at the director's configs",
    async run({ plan }) {
      const hints = [`boshvirt up ${record.name} applies them again, unless somebody changed them`];
      const cloudConfig = readYaml((await currentConfig(bosh, 'cloud', 'default')) ?? '{}', 'cloud-config');
      const lacks = lacksOfCloudConfig(required(plan).manifest, cloudConfig as NodeMap);
      if (lacks.length > 0) {
        throw new UserError('USAGE', `The director's cloud-config lacks ${lacks.join(', ')}`, { hints });
      }
      if ((await currentConfig(bosh, 'runtime', 'dns')) !== undefined) return;
      throw new UserError(
        'USAGE',
        "The director has no runtime-config 'dns', by which instances find one another",
        {
          hints,
        },
      );
    },
  };
}

function stemcellStep({ bosh, options, caller }: CfJob): Step<CfWork> {
  return {
    title: 'Upload the stemcell',
    async skip({ plan }) {
      const { stemcell } = required(plan);
      return hasStemcell(await stockOf(bosh), stemcell) ? `the director has ${slug(stemcell)}` : undefined;
    },
    async run({ plan }, say) {
      const [fetched] = await fetchArtifacts(
        [stemcellArtifact(required(plan).stemcell)],
        fetchOptionsOf(options, caller, say, 'cf-stemcell'),
      );
      say(`uploading ${slug(required(plan).stemcell)}`);
      await bosh.run(['upload-stemcell', required(fetched).path]);
    },
  };
}

/** bosh deploy finds them there then, and has the director fetch the others. */
function releasesStep({ bosh, options, caller }: CfJob): Step<CfWork> {
  const { offline, viaCache } = options;
  return {
    title: 'Upload releases',
    skip: () => (offline || viaCache ? undefined : 'the director fetches them itself'),
    async run({ plan }, say) {
      const fetching = fetchOptionsOf(options, caller, say, 'cf-releases');
      const all = required(plan).releases.flatMap((release) => {
        const artifact = releaseArtifact(release);
        return artifact ? [{ release, artifact }] : [];
      });
      const wanted = offline ? await withoutThoseThere(all, await stockOf(bosh), fetching) : all;
      const fetched = await fetchArtifacts(
        wanted.map(({ artifact }) => artifact),
        fetching,
      );
      for (const [at, { release }] of wanted.entries()) {
        say(`uploading ${slug(release)} (${at + 1} of ${wanted.length})`);
        // bosh asks the director first, and uploads nothing that is there
        await bosh.run(uploadRelease(release, required(fetched[at]).path));
      }
    },
  };
}

interface WantedRelease {
  readonly release: CfRelease;
  readonly artifact: Artifact;
}

/** Without those that only the director has: they may be there from an earlier time, with internet. */
async function withoutThoseThere(
  all: readonly WantedRelease[],
  stock: DirectorStock,
  fetching: FetchOptions,
): Promise<WantedRelease[]> {
  const kept: WantedRelease[] = [];
  for (const wanted of all) {
    if (!stock.releases.has(slug(wanted.release)) || (await isCached(wanted.artifact, fetching)))
      kept.push(wanted);
  }
  return kept;
}

const uploadRelease = ({ name, version, stemcell }: CfRelease, path: string): string[] => [
  'upload-release',
  path,
  `--name=${name}`,
  `--version=${version}`,
  ...(stemcell ? [`--stemcell=${stemcell.os}/${stemcell.version}`] : []),
];

function deployStep({ record, settings, caller, bosh }: CfJob): Step<CfWork> {
  return {
    title: 'Deploy',
    async run(work, say) {
      const plan = required(work.plan);
      const { deployment } = plan;
      await writeCfRecord(record.name, { version: 1, deployment, ...settings });
      const varsPath = cfVarsPath(record.name);
      await writeFileAtomic(varsPath, writeJsonForYaml(plan.vars));
      const words = [
        ...['deploy', plan.manifestPath, '-d', deployment],
        ...plan.opsFiles.flatMap((path) => ['-o', path]),
        ...[...plan.varsFiles, varsPath].flatMap((path) => ['-l', path]),
      ];
      await runTask(bosh, words, { caller, environment: record.name, deployment, say });
    },
  };
}

function apiStep({ record, settings, options, road, place, caller: { signal } }: CfJob): Step<CfWork> {
  const { systemDomain } = settings;
  return {
    title: 'Ask the API',
    async run(work, say) {
      const way = { road, signal };
      const credhub = await openCredHub(await directorAccess(record), way);
      const certificate = await secretOf(credhub, required(work.plan), 'router_ssl');
      const ca = (certificate as { ca?: string } | undefined)?.ca;
      const routerIp = record.workload.router;
      await waitForApi({ systemDomain, routerIp, ca, timeoutMs: options.apiTimeoutMs }, way);
      say('it answers');
      work.apiAddress = await addressOf(`api.${systemDomain}`, place, signal);
    },
  };
}

/** Asked of one, it must not take the place of all in the lock file. */
async function isCached(artifact: Artifact, { lock: _, ...options }: FetchOptions): Promise<boolean> {
  try {
    await fetchArtifacts([artifact], { ...options, offline: true });
    return true;
  } catch (error) {
    if (error instanceof BoshvirtError && error.code === 'OFFLINE') return false;
    throw error;
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new BugError('a step of cf up ran before the one that it stands on');
  return value;
}
