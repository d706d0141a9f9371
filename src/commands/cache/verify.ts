import { BaseCommand } from '../../command-line/base-command.ts';
import { type CacheHealth, verifyCache } from '../../environment/cache/verify.ts';
import { formatBytes } from '../../platform/amounts.ts';
import { UserError } from '../../platform/errors.ts';

export default class CacheVerify extends BaseCommand<typeof CacheVerify> {
  static override summary = 'Read all downloads again and delete those that are damaged.';
  static override description = 'Ends with status 31 if one was damaged; the next up fetches it again.';
  static override examples = ['<%= config.bin %> cache verify'];
  static override enableJsonFlag = true;

  async run(): Promise<CacheHealth> {
    const health = await verifyCache(this.caller({ yes: false }));
    const { checked, bytes, damaged } = health;
    if (damaged.length === 0) {
      const sound =
        checked === 1 ? '1 download is as it should be' : `${checked} downloads are as they should be`;
      this.print(`${sound} (${formatBytes(bytes)}).`);
      return health;
    }
    const lines = damaged.map(({ name, why }) => `\n  ${name}: ${why}`);
    throw new UserError(
      'CHECKSUM',
      `${damaged.length} of ${checked} downloads were damaged and are deleted:${lines.join('')}`,
      {
        hints: [
          'boshvirt up fetches what it needs again',
          'files do not change by themselves: look after the disk, and who writes to the cache',
        ],
      },
    );
  }
}
