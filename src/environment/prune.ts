import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Finding, Outcome } from './orphans/finding.ts';
import { dropStemcell, oldStemcells } from './orphans/old-stemcells.ts';
import { idleHost, removeIdleHost } from './orphans/private-host.ts';
import { findTerritories } from './orphans/territories.ts';
import { clearOf, lookInto, type Territory } from './orphans/territory.ts';
import type { Caller } from './steps/step.ts';

export type { Finding, Outcome } from './orphans/finding.ts';

/** What nothing needs any more, and where it was found. */
export interface Survey {
  readonly findings: readonly Finding[];
  /** What could not be looked into, or may be somebody else's, for people. */
  readonly unseen: readonly string[];
  readonly territories: readonly Territory[];
}

/** Looks for orphans of one environment, or of all and of what they share: the private host, the cache. */
export async function findOrphans(only: string | undefined, log: Log, signal: AbortSignal): Promise<Survey> {
  const { territories, unseen } = await findTerritories(only, log, signal);
  const findings: Finding[] = [];
  const problems = [...unseen];
  for (const territory of territories) {
    try {
      findings.push(...(await lookInto(territory, log)));
    } catch (error) {
      signal.throwIfAborted();
      problems.push(`'${territory.environment}': ${messageOf(error)}`);
    }
  }
  if (only === undefined) {
    const host = await idleHost();
    findings.push(...(host ? [host] : []), ...(await oldStemcells()));
  }
  return { findings, unseen: problems, territories };
}

/** What is deleted where persistent disks and snapshots of them are, or are not, to go too. */
export const deletable = ({ findings }: Survey, withDisks: boolean): Finding[] =>
  findings.filter(({ holdsData }) => withDisks || !holdsData);

/** Deletes what the survey found, each thing only if it is an orphan still. */
export async function deleteOrphans(survey: Survey, withDisks: boolean, caller: Caller): Promise<Outcome[]> {
  const { log } = caller;
  const wanted = deletable(survey, withDisks);
  const outcomes: Outcome[] = [];
  await caller.runSteps(
    [
      {
        title: 'Delete what nothing needs',
        async run() {
          for (const territory of survey.territories) {
            const own = wanted.filter(({ environment }) => environment === territory.environment);
            if (own.length > 0) outcomes.push(...(await clear(territory, own, caller)));
          }
          for (const finding of wanted.filter(({ kind }) => kind === 'host'))
            outcomes.push(await removeIdleHost(finding, withDisks, log));
          for (const finding of wanted.filter(({ kind }) => kind === 'stemcell'))
            outcomes.push(await dropStemcell(finding));
        },
      },
    ],
    {},
  );
  return outcomes;
}

/** One that cannot be worked on, since another boshvirt is at it say, keeps nobody from the others. */
async function clear(
  territory: Territory,
  wanted: readonly Finding[],
  { log, signal }: Caller,
): Promise<Outcome[]> {
  try {
    return await clearOf(territory, wanted, log, signal);
  } catch (error) {
    signal.throwIfAborted();
    return wanted.map((finding) => ({ finding, kept: messageOf(error) }));
  }
}
