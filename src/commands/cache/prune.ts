import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { table } from '../../command-line/format.ts';
import { yesFlag } from '../../command-line/shared-flags.ts';
import { parseAge } from '../../environment/cache/age.ts';
import { type CacheExcess, cacheExcess, dropExcess, excessBytes } from '../../environment/cache/prune.ts';
import { formatBytes } from '../../platform/amounts.ts';
import { UserError } from '../../platform/errors.ts';

export default class CachePrune extends BaseCommand<typeof CachePrune> {
  static override summary = 'Delete downloads that no environment needs, after asking.';
  static override description =
    'An environment needs what its boshvirt.lock names, wherever that lies. What was used in the last ten minutes stays, unless ' +
    'with --all. bosh’s own cache of an environment has the same files by hard links: their space is free once both are gone.';
  static override examples = [
    '<%= config.bin %> cache prune --dry-run',
    '<%= config.bin %> cache prune --all --older-than 30d --yes',
  ];
  static override enableJsonFlag = true;
  static override flags = {
    ...yesFlag,
    'dry-run': Flags.boolean({ description: 'list only' }),
    all: Flags.boolean({ description: 'also what environments need: the next up fetches it again' }),
    'older-than': Flags.string({ description: 'only what was not used for so long, such as 12h, 30d, 2w' }),
  };

  async run(): Promise<CacheExcess & { deletedBytes: number }> {
    const { all, 'older-than': age, 'dry-run': dryRun } = this.flags;
    const olderThanMs = age === undefined ? 0 : parseAge(age, '--older-than');
    const excess = await cacheExcess({ all, olderThanMs });
    const rows = rowsOf(excess);
    this.print(rows.length === 0 ? 'There is nothing to delete.' : table(rows));
    if (dryRun || rows.length === 0) return { ...excess, deletedBytes: 0 };
    const question = `Delete ${rows.length} ${rows.length === 1 ? 'file' : 'files'}, ${formatBytes(excessBytes(excess))}?`;
    if (!(await this.caller(this.flags).confirm(question, 'no')))
      throw new UserError('DECLINED', 'Nothing was deleted');
    const deletedBytes = await dropExcess(excess);
    this.print(`\nDeleted ${formatBytes(deletedBytes)}.`);
    return { ...excess, deletedBytes };
  }
}

const rowsOf = ({ downloads, unfinished, leftovers }: CacheExcess): string[][] => [
  ...downloads.map(({ name, bytes }) => ['download', name, formatBytes(bytes)]),
  ...unfinished.map(({ address, bytes }) => ['not finished', address, formatBytes(bytes)]),
  ...leftovers.map(({ path, bytes }) => ['leftover', path, formatBytes(bytes)]),
];
