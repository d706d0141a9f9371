import { BaseCommand } from '../../command-line/base-command.ts';
import { table } from '../../command-line/format.ts';
import { type CacheContents, type CachedDownload, cacheContents } from '../../environment/cache/contents.ts';
import { formatBytes } from '../../platform/amounts.ts';

export default class CacheList extends BaseCommand<typeof CacheList> {
  static override summary =
    'List what was downloaded, which environments need it, and when it was last used.';
  static override description =
    'An environment needs what its boshvirt.lock names. --json has checksums, addresses and lock files besides.';
  static override examples = ['<%= config.bin %> cache list', '<%= config.bin %> cache list --json'];
  static override enableJsonFlag = true;

  async run(): Promise<CacheContents & { bytes: number }> {
    const contents = await cacheContents();
    const { downloads, unfinished } = contents;
    if (downloads.length === 0) this.print('Nothing was downloaded.');
    else this.print(table([['DOWNLOAD', 'SIZE', 'NEEDED BY', 'LAST USED'], ...downloads.map(rowOf)]));
    if (unfinished.length > 0) {
      const rows = unfinished.map(({ address, bytes }) => [address, formatBytes(bytes)]);
      this.print(`\n${table([['NOT FINISHED', 'SIZE'], ...rows])}`);
    }
    const bytes = [...downloads, ...unfinished].reduce((sum, each) => sum + each.bytes, 0);
    if (bytes > 0) this.print(`\n${formatBytes(bytes)} in ${contents.folder}`);
    return { ...contents, bytes };
  }
}

const rowOf = ({ name, bytes, neededBy, lastUsed }: CachedDownload): string[] => [
  name,
  formatBytes(bytes),
  [...new Set(neededBy.map(({ environment }) => environment))].join(', ') || '-',
  lastUsed.toISOString().slice(0, 16).replace('T', ' '),
];
