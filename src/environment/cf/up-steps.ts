import { type FetchOptions, fetchArtifacts } from '../../downloads/index.ts';
import type { GuestRoad } from '../../engine/engine.ts';
import { type NodeMap, readYaml } from '../../engine/template/index.ts';
import { readPins } from '../../manifest/pins.ts';
import { BoshvirtError, BugError, UserError } from '../../platform/errors.ts';
import { writeFileAtomic } from '../../platform/files.ts';
import { checkoutOf } from '../checkouts/index.ts';
import { currentConfig } from '../director/apply-config.ts';
import { type DirectorBosh, directorAccess } from '../director/index.ts';
import { cacheFolder } from '../paths.ts';
import type { Caller, Step } from '../steps/step.ts';
import { addressOf, waitForApi } from './api-answer.ts';
import { releaseArtifact, stemcellArtifact } from './cf-artifacts.ts';
import { secretOf } from './cf-credentials.ts';
import { cfVarsPath, writeCfRecord } from './cf-record.ts';
import type { CfSettings } from './cf-settings.ts';
import { cfTree } from './cf-tree.ts';
import { lacksOfCloudConfig } from './cloud-config-needs.ts';
import { openCredHub } from './credhub.ts';
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
}

export interface CfUpOptions {
  /** Nothing is fetched: what is neither in the cache nor on the director is an error. */
  readonly offline: boolean;
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

/** What is on the director already. */
interface Stock {
  readonly stemcells: Set<string>;
  readonly releases: Set<string>;
}

const slug = ({ name, version }: { name: string; version: string }): string => `${name}/${version}`;

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
        (await isCached(stemcell, fetchOptions(job, say)));
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
  const folder = await checkoutOf('cf-deployment', cfDeployment, fetchOptions(task, say));
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

function stemcellStep(job: CfJob): Step<CfWork> {
  const { bosh } = job;
  return {
    title: 'Upload the stemcell',
    async skip({ plan }) {
      const { stemcell } = required(plan);
      return hasStemcell(await stockOf(bosh), stemcell) ? `the director has ${slug(stemcell)}` : undefined;
    },
    async run({ plan }, say) {
      const [fetched] = await fetchArtifacts(
        [stemcellArtifact(required(plan).stemcell)],
        fetchOptions(job, say),
      );
      say(`uploading ${slug(required(plan).stemcell)}`);
      await bosh.run(['upload-stemcell', required(fetched).path]);
    },
  };
}

/** bosh deploy finds them there then, and has the director fetch the others. */
function releasesStep(job: CfJob): Step<CfWork> {
  const { bosh, options } = job;
  const { offline, viaCache } = options;
  return {
    title: 'Upload releases',
    skip: () => (offline || viaCache ? undefined : 'the director fetches them itself'),
    async run({ plan }, say) {
      const stock = await stockOf(bosh);
      const lacking = required(plan).releases.filter((release) => !stock.releases.has(slug(release)));
      const found = lacking.flatMap((release) => {
        const artifact = releaseArtifact(release);
        return artifact ? [{ release, artifact }] : [];
      });
      const fetched = await fetchArtifacts(
        found.map(({ artifact }) => artifact),
        fetchOptions(job, say),
      );
      for (const [at, { release }] of found.entries()) {
        say(`uploading ${slug(release)} (${at + 1} of ${found.length})`);
        await bosh.run(uploadRelease(release, required(fetched[at]).path));
      }
    },
  };
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
      await writeFileAtomic(varsPath, JSON.stringify(plan.vars, null, 2)); // JSON is YAML
      const words = [
        ...['deploy', plan.manifestPath, '-d', deployment],
        ...plan.opsFiles.flatMap((path) => ['-o', path]),
        ...[...plan.varsFiles, varsPath].flatMap((path) => ['-l', path]),
      ];
      await runTask(bosh, words, { caller, environment: record.name, deployment, say });
    },
  };
}

function apiStep({ record, settings, options, road, caller: { signal } }: CfJob): Step<CfWork> {
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
      work.apiAddress = await addressOf(`api.${systemDomain}`, way);
    },
  };
}

const hasStemcell = ({ stemcells }: Stock, stemcell: WardenStemcell): boolean =>
  stemcell.version === 'latest'
    ? [...stemcells].some((there) => there.startsWith(`${stemcell.name}/`))
    : stemcells.has(slug(stemcell));

const fetchOptions = ({ options, caller }: CfTask, say: (line: string) => void): FetchOptions => ({
  cacheDir: cacheFolder(),
  offline: options.offline,
  log: caller.log,
  signal: caller.signal,
  onProgress: say,
});

async function isCached(stemcell: WardenStemcell, options: FetchOptions): Promise<boolean> {
  try {
    await fetchArtifacts([stemcellArtifact(stemcell)], { ...options, offline: true });
    return true;
  } catch (error) {
    if (error instanceof BoshvirtError && error.code === 'OFFLINE') return false;
    throw error;
  }
}

/** The director's tables mark what is deployed with a star, and leave out a name that stands in the row above. */
async function stockOf(bosh: DirectorBosh): Promise<Stock> {
  const slugsIn = (rows: readonly Readonly<Record<string, string>>[]) => {
    let name = '';
    return new Set(
      rows.map((row) => {
        name = row.name || name;
        return slug({ name, version: row.version?.replace('*', '') ?? '' });
      }),
    );
  };
  return {
    stemcells: slugsIn(await bosh.rows(['stemcells'])),
    releases: slugsIn(await bosh.rows(['releases'])),
  };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new BugError('a step of cf up ran before the one that it stands on');
  return value;
}
