import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { table } from '../command-line/format.ts';
import { yesFlag } from '../command-line/shared-flags.ts';
import { deletable, deleteOrphans, type Finding, findOrphans, type Outcome } from '../environment/prune.ts';
import { formatBytes } from '../platform/amounts.ts';
import { UserError } from '../platform/errors.ts';

interface Pruned {
  readonly orphans: readonly Finding[];
  readonly unseen: readonly string[];
  readonly deleted: readonly Finding[];
  readonly kept: readonly Outcome[];
}

export default class Prune extends BaseCommand<typeof Prune> {
  static override summary = 'Find what killed runs and lost environments left, and delete it after asking.';
  static override description =
    'Looks at all environments of this user, at those that have no record any more, at the private libvirt host and the ' +
    'cache; with a name, at that environment alone. What somebody may just be making is left out. Persistent disks that ' +
    'nobody has, and snapshots, are listed, and deleted only with --disks.';
  static override examples = [
    '<%= config.bin %> prune --dry-run',
    '<%= config.bin %> prune work --yes --disks',
  ];
  static override enableJsonFlag = true;
  static override args = {
    environment: Args.string({
      description: 'name of an environment, also of one that is gone (default: all)',
    }),
  };
  static override flags = {
    ...yesFlag,
    'dry-run': Flags.boolean({ description: 'list only' }),
    disks: Flags.boolean({
      description: 'delete persistent disks and snapshots too, with all that is on them',
    }),
  };

  async run(): Promise<Pruned> {
    const { disks: withDisks, 'dry-run': dryRun } = this.flags;
    const caller = this.caller(this.flags);
    const survey = await findOrphans(this.args.environment, this.debugLog, this.signal);
    const { findings, unseen } = survey;
    for (const line of unseen) caller.tell(`Not looked into: ${line}`);
    this.print(findings.length === 0 ? 'There are no orphans.' : listOf(findings));
    const wanted = deletable(survey, withDisks);
    const report = { orphans: findings, unseen, deleted: [], kept: [] };
    if (wanted.length < findings.length)
      this.print('\nWhat is marked holds data; it is deleted only with --disks.');
    if (dryRun || wanted.length === 0) return report;
    if (!(await caller.confirm(`Delete ${amount(wanted)}?`, 'no')))
      throw new UserError('DECLINED', 'Nothing was deleted');
    const outcomes = await deleteOrphans(survey, withDisks, caller);
    const deleted = outcomes.filter(({ kept }) => kept === undefined).map(({ finding }) => finding);
    const kept = outcomes.filter((outcome) => outcome.kept !== undefined);
    this.print(`\nDeleted ${amount(deleted)}.`);
    for (const { finding, kept: why } of kept) this.print(`Kept ${finding.kind} ${finding.name}: ${why}`);
    return { ...report, deleted, kept };
  }
}

const amount = (findings: readonly Finding[]): string => {
  const bytes = findings.reduce((sum, { bytesOnDisk }) => sum + bytesOnDisk, 0);
  return `${findings.length} ${findings.length === 1 ? 'orphan' : 'orphans'}, ${formatBytes(bytes)}`;
};

/** One paragraph for each reason. */
function listOf(findings: readonly Finding[]): string {
  const groups = Map.groupBy(findings, ({ environment, why }) =>
    environment === undefined || why.includes(`'${environment}'`) ? why : `${environment}: ${why}`,
  );
  return [...groups]
    .map(([why, group]) => {
      const rows = group.map(({ kind, name, bytesOnDisk, holdsData }) => [
        holdsData ? '*' : ' ',
        kind,
        name,
        formatBytes(bytesOnDisk),
      ]);
      return `${why}\n${table(rows)}`;
    })
    .join('\n\n');
}
