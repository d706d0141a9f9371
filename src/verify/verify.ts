import type { BackendModule } from '../cpi/backend.ts';
import type { Caller } from '../environment/steps/step.ts';
import { UserError } from '../platform/errors.ts';
import type { ClauseFacts, Sequence } from './clause.ts';
import type { ClauseReport, SuiteReport } from './report.ts';
import { runSuite } from './run-suite.ts';
import { givenScene } from './scenes/given-scene.ts';
import type { OpenScene } from './scenes/open-scene.ts';
import { ownScene } from './scenes/own-scene.ts';
import { readProperties } from './scenes/scene-files.ts';
import { selectClauses } from './select.ts';
import { sequences } from './sequences/index.ts';

export interface VerifyRequest {
  /** A backend of ours; without it and without `cpi` the caller's choice. */
  readonly module: BackendModule | undefined;
  /** Somebody's CPI executable. */
  readonly cpi: string | undefined;
  readonly uri: string | undefined;
  readonly stemcell: string | undefined;
  /** Paths of files. */
  readonly cloudProperties: string | undefined;
  readonly networks: string | undefined;
  readonly only: readonly string[];
  readonly boshvirtCommand: string;
}

export interface Watcher {
  onSequence(sequence: Sequence): void;
  onEnd(report: ClauseReport): void;
}

/** Holds the contract against a CPI, in an environment that is taken away afterwards. */
export async function verify(request: VerifyRequest, caller: Caller, watcher: Watcher): Promise<SuiteReport> {
  selectClauses(sequences, request.only); // refuses unknown words before anything is made
  const work: { open?: OpenScene } = {};
  await caller.runSteps(
    [
      {
        title: 'Make ready',
        async run(_, say) {
          work.open = await openScene(request, caller, say);
        },
      },
    ],
    work,
  );
  await using open = work.open as OpenScene;
  const { only } = request;
  return await runSuite(open.scene, { only, signal: caller.signal, ...watcher });
}

async function openScene(
  request: VerifyRequest,
  { log, signal }: Caller,
  say: (line: string) => void,
): Promise<OpenScene> {
  const { module, cpi, uri, stemcell, boshvirtCommand } = request;
  const properties =
    request.cloudProperties === undefined ? undefined : await readProperties(request.cloudProperties);
  if (cpi !== undefined) {
    const given = { stemcell, networks: request.networks };
    return await givenScene({ cpi, ...complete(given), properties, signal });
  }
  if (module === undefined) throw new TypeError('neither a backend nor a CPI');
  return await ownScene({ module, uri, stemcell, properties, boshvirtCommand, log, signal, say });
}

function complete(given: { stemcell: string | undefined; networks: string | undefined }) {
  const { stemcell, networks } = given;
  if (stemcell !== undefined && networks !== undefined) return { stemcell, networks };
  throw new UserError('USAGE', 'With --cpi both --stemcell and --networks are needed', {
    hints: ['a stemcell that this CPI takes, and addresses that its VMs may have: docs/cpi-verify.md'],
  });
}

export interface ListedClause extends ClauseFacts {
  readonly sequence: string;
}

/** All clauses in the order in which they are tried, those that `only` names with what they stand on. */
export function listClauses(only: readonly string[]): ListedClause[] {
  const chosen = selectClauses(sequences, only);
  return sequences.flatMap(({ id: sequence, clauses }: Sequence) =>
    clauses
      .filter(({ id }) => chosen.has(id))
      .map(({ id, title, section, after, needs }) => ({
        id,
        title,
        section,
        ...(after ? { after } : {}),
        ...(needs ? { needs } : {}),
        sequence,
      })),
  );
}
