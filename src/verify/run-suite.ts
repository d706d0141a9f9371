import { messageChain, UserError } from '../platform/errors.ts';
import { redactor } from '../platform/log.ts';
import type { ClauseFacts, Need, Sequence } from './clause.ts';
import { ClauseBroken, ClauseSkipped } from './outcome.ts';
import { type ClauseReport, type SuiteReport, showCalls, summarise } from './report.ts';
import type { Scene } from './scene.ts';
import { selectClauses } from './select.ts';
import { sequences } from './sequences/index.ts';
import { Trial } from './trial.ts';
import { World } from './world.ts';

export interface SuiteOptions {
  /** Clause ids and groups; all of them if there are none. What they stand on is run, too. */
  readonly only?: readonly string[];
  readonly signal?: AbortSignal;
  /** Told as soon as a sequence or a clause begins, and when a clause has ended. */
  onSequence?(sequence: Sequence): void;
  onBegin?(clause: ClauseFacts): void;
  onEnd?(report: ClauseReport): void;
}

/**
 * Tries the clauses on a scene, one sequence after the other, and takes away what each made, also after a failure or when
 * the signal fires; then it throws the signal's reason. A clause that does not hold is told of and hinders only those that
 * stand on it.
 */
export async function runSuite(scene: Scene, options: SuiteOptions = {}): Promise<SuiteReport> {
  const chosen = selectClauses(sequences, options.only ?? []);
  const world = new World(scene);
  if (scene.hypervisor)
    world.before = { vms: await scene.hypervisor.vms(), storage: await scene.hypervisor.storage() };
  const reports: ClauseReport[] = [];
  try {
    for (const sequence of sequences) reports.push(...(await runSequence(sequence, world, chosen, options)));
  } finally {
    await takeAway(world, { stemcells: true });
  }
  return summarise(reports);
}

async function runSequence(
  sequence: Sequence,
  world: World,
  chosen: ReadonlySet<string>,
  options: SuiteOptions,
): Promise<ClauseReport[]> {
  const clauses = sequence.clauses.filter(({ id }) => chosen.has(id));
  if (clauses.length === 0) return [];
  options.onSequence?.(sequence);
  const reports = new Map<string, ClauseReport>();
  const course = sequence.begin();
  try {
    for (const clause of clauses) {
      options.signal?.throwIfAborted();
      options.onBegin?.(clause);
      const trial = new Trial(world, sequence.caller);
      const report = await tryClause(clause, sequence, reports, trial, course);
      options.signal?.throwIfAborted(); // what was interrupted did not fail
      reports.set(clause.id, report);
      options.onEnd?.(report);
    }
  } finally {
    await takeAway(world, { stemcells: false });
  }
  return [...reports.values()];
}

async function tryClause(
  clause: ClauseFacts,
  sequence: Sequence,
  earlier: ReadonlyMap<string, ClauseReport>,
  trial: Trial,
  run: (id: string, trial: Trial) => Promise<void>,
): Promise<ClauseReport> {
  const { id, title, section } = clause;
  const facts = { id, title, section, sequence: sequence.id };
  const reason = missingGround(clause, earlier) ?? unmetNeed(clause.needs ?? [], trial.scene);
  if (reason !== undefined) return { ...facts, outcome: 'skipped', durationMs: 0, reason };
  const started = performance.now();
  const took = () => Math.round(performance.now() - started);
  try {
    await run(id, trial);
    return { ...facts, outcome: 'passed', durationMs: took() };
  } catch (error) {
    if (error instanceof ClauseSkipped)
      return { ...facts, outcome: 'skipped', durationMs: took(), reason: error.message };
    if (error instanceof UserError) throw error; // a person has to mend it first: no CPI there, no virsh
    const hide = redactor(trial.scene.guests?.secrets ?? []);
    const { expected, seen, road } = findingOf(error);
    const finding = { expected: hide(expected), seen: hide(seen), road };
    return { ...facts, outcome: 'failed', durationMs: took(), finding, calls: showCalls(trial.calls, hide) };
  }
}

/** What is not a clause's own finding is a guest or a probe that gave no answer. */
function findingOf(error: unknown) {
  if (error instanceof ClauseBroken) return error.finding;
  return {
    expected: 'the guest and the hypervisor to answer',
    seen: messageChain(error),
    road: 'guest',
  } as const;
}

function missingGround(
  { after = [] }: ClauseFacts,
  earlier: ReadonlyMap<string, ClauseReport>,
): string | undefined {
  const missing = after.map((id) => earlier.get(id)).find((report) => report?.outcome !== 'passed');
  return (
    missing && `it stands on ${missing.id}, which ${missing.outcome === 'failed' ? 'failed' : 'was skipped'}`
  );
}

function unmetNeed(needs: readonly Need[], scene: Scene): string | undefined {
  const met: Readonly<Record<Need, boolean>> = {
    guest: scene.guests !== undefined,
    hypervisor: scene.hypervisor !== undefined,
    'cut-off': scene.cutOff !== undefined,
  };
  const missing = needs.find((need) => !met[need]);
  return missing && (scene.absent[missing] ?? `this scene has no ${missing}`);
}

/** Deletes what stands, through the CPI. What it cannot delete the clauses of the last sequence tell of. */
async function takeAway(world: World, options: { stemcells: boolean }): Promise<void> {
  for (const { kind, cid } of world.ledger.remaining(options))
    await world.ask('director', `delete_${kind}`, [cid]);
}
