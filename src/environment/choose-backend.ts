import type { BackendModule } from '../cpi/backend.ts';
import { backendModule, backendNames } from '../cpi/backends/registry.ts';
import { inspect } from '../host/findings/index.ts';
import { driverOf } from '../host/libvirt-service.ts';
import { UserError } from '../platform/errors.ts';
import type { Finding } from '../platform/finding.ts';
import { stemcellFormats } from '../stemcell/stemcell-formats.ts';
import type { EnvironmentRecord } from './record.ts';
import { chosenStemcell, type UpRequest } from './up-settings.ts';

export interface ChosenBackend {
  readonly module: BackendModule;
  /** For people: what decided, and what there is to know about it. */
  readonly why: string;
}

/**
 * The backend for an environment: the one that it has or that was asked for, whose driver the URI names, which takes the
 * stemcell; where all of that leaves a choice, the registry's first that can be on this machine (docs/decisions/0009). Throws a
 * UserError for what does not go together, and where none can be.
 */
export async function chooseBackend(
  request: UpRequest,
  before: EnvironmentRecord | undefined,
): Promise<ChosenBackend> {
  const asked = before?.backend ?? (request.backend === 'auto' ? undefined : request.backend);
  const all = await allBackends();
  const wanted = asked === undefined ? all : all.filter(({ name }) => name === asked);
  const reachable = reachableBy(before?.uri ?? request.uri, wanted, all);
  const { stemcell } = chosenStemcell(request, before);
  const fitting = stemcell === undefined ? reachable : await thatTake(stemcell, reachable, all);
  const [only] = fitting;
  if (only === undefined) throw new TypeError(`no backend '${asked}'`); // its name was looked at before
  if (asked !== undefined) return { module: only, why: 'as asked for' };
  const isDecided = fitting.length === 1 && all.length > 1;
  return isDecided ? { module: only, why: 'as URI and stemcell want it' } : await firstThatWorks(fitting);
}

/** The one that `up` takes where nothing else decides. Throws PREFLIGHT where none can be. */
export const automaticBackend = async (): Promise<ChosenBackend> => await firstThatWorks(await allBackends());

export const allBackends = async (): Promise<BackendModule[]> =>
  await Promise.all(backendNames.map(backendModule));

/** Throws for a URI whose driver none of them works with. */
function reachableBy(
  uri: string | undefined,
  wanted: readonly BackendModule[],
  all: readonly BackendModule[],
): readonly BackendModule[] {
  if (uri === undefined) return wanted;
  const driver = driverOf(uri);
  const knows = ({ drivers }: BackendModule) => drivers.includes(driver);
  const reachable = wanted.filter((module) => knows(module) && (module.remote || isOnThisMachine(uri)));
  if (reachable.length > 0) return reachable;
  if (!all.some(knows)) {
    throw new UserError('UNSUPPORTED', `This version has no driver for libvirt '${driver}'`, {
      hints: [`it has: ${all.flatMap(({ drivers }) => drivers).join(', ')}`],
    });
  }
  const named = wanted.find(knows) ?? wanted[0];
  const place = named?.remote ? '' : ' and is on this machine';
  throw new UserError('USAGE', `The backend ${named?.name} does not work with ${uri}`, {
    hints: [`name a URI that begins with ${named?.drivers.join(' or ')}${place}, or none`],
  });
}

/** false for a URI that leads to another machine. */
export const isOnThisMachine = (uri: string): boolean => !uri.includes('+ssh:');

/**
 * Those that take the stemcell. One that names no format may be anything: the CPI looks at its content. Throws for a stemcell
 * that only others take.
 */
async function thatTake(
  stemcell: string,
  wanted: readonly BackendModule[],
  all: readonly BackendModule[],
): Promise<readonly BackendModule[]> {
  const formats = await stemcellFormats(stemcell);
  const takes = ({ traits }: BackendModule) =>
    formats.some((format) => traits.stemcellFormats.includes(format));
  const fitting = wanted.filter(takes);
  if (fitting.length > 0) return fitting;
  const others = all.filter(takes);
  if (others.length === 0) return wanted;
  const names = wanted.map(({ name }) => name).join(', ');
  throw new UserError(
    'USAGE',
    `The stemcell ${stemcell} has the format ${formats.join(', ')}, which ${names} does not take`,
    {
      hints: [
        ...others.map(({ name }) => `--backend ${name} takes it`),
        `${names} takes ${wanted.flatMap(({ traits }) => traits.stemcellFormats).join(', ')}`,
      ],
    },
  );
}

interface Seen {
  readonly module: BackendModule;
  readonly findings: readonly Finding[];
}

/** The first without an obstacle on this machine. */
async function firstThatWorks(modules: readonly BackendModule[]): Promise<ChosenBackend> {
  const seen = await Promise.all(
    modules.map(async (module) => ({ module, findings: await findingsOf(module) })),
  );
  const [first, ...others] = seen.filter(({ findings }) => obstaclesIn(findings).length === 0);
  if (first) return { module: first.module, why: whyFirst(first, others) };
  throw new UserError('PREFLIGHT', 'No backend of boshvirt can work on this machine', {
    hints: seen.flatMap(({ module, findings }) =>
      obstaclesIn(findings).map(({ detail, fix }) => `${module.name}: ${detail} (${fix})`),
    ),
  });
}

/** Throws PREFLIGHT for a backend that cannot make guests on this machine, with what is in its way. */
export async function refuseObstacles(module: BackendModule): Promise<void> {
  const obstacles = obstaclesIn(await findingsOf(module));
  if (obstacles.length === 0) return;
  throw new UserError('PREFLIGHT', `The backend ${module.name} cannot work on this machine`, {
    hints: obstacles.map(({ detail, fix }) => `${detail}: ${fix}`),
  });
}

const obstaclesIn = (findings: readonly Finding[]) => findings.filter(({ status }) => status === 'fail');

/** What a backend's own checks find on this machine; packages that are missing can be installed. */
async function findingsOf(module: BackendModule): Promise<Finding[]> {
  return await inspect((await module.preflight()).checks);
}

/** Its drawbacks here, and who has none. */
function whyFirst(first: Seen, others: readonly Seen[]): string {
  const drawbacks = first.findings.filter(({ status }) => status !== 'ok').map(({ detail }) => detail);
  if (drawbacks.length === 0) return 'works here';
  const better = others.filter(({ findings }) => findings.every(({ status }) => status === 'ok'));
  const advice = better.map(({ module }) => `--backend ${module.name} has no such limit`);
  return ['works here', ...drawbacks, ...advice].join('; ');
}
