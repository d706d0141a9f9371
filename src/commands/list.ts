import { BaseCommand } from '../command-line/base-command.ts';
import { table } from '../command-line/format.ts';
import { type DamagedEnvironment, type EnvironmentStatus, list } from '../environment/status.ts';

export default class List extends BaseCommand<typeof List> {
  static override summary = 'List all environments of this user.';
  static override examples = ['<%= config.bin %> list', '<%= config.bin %> list --json'];
  static override enableJsonFlag = true;

  async run(): Promise<(EnvironmentStatus | DamagedEnvironment)[]> {
    const found = await list(this.debugLog, this.signal);
    if (found.length === 0) this.print('There are no environments; boshvirt up makes one.');
    else this.print(table([['NAME', 'STATE', 'BACKEND', 'PROFILE', 'ADDRESS', 'VM'], ...found.map(row)]));
    for (const each of found) if (each.state === 'damaged') this.print(`\n${each.name}: ${each.detail}`);
    return found;
  }
}

function row(each: EnvironmentStatus | DamagedEnvironment): string[] {
  if (each.state === 'damaged') return [each.name, each.state, '-', '-', '-', '-'];
  return [each.name, each.state, each.backend, each.profile, each.ip, each.vm ?? '-'];
}
