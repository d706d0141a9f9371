import { Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { yesFlag } from '../command-line/shared-flags.ts';
import { doctor, type Finding, repair } from '../environment/doctor.ts';

const marks: Readonly<Record<Finding['status'], string>> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary =
    'Look at this machine: what is there, what is missing, why it matters, how to mend it.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --fix --yes'];
  static override enableJsonFlag = true;
  static override flags = {
    ...yesFlag,
    fix: Flags.boolean({ description: 'install what is missing, after asking' }),
  };

  async run(): Promise<Finding[]> {
    if (this.flags.fix) await repair(this.caller(this.flags));
    const findings = await doctor();
    for (const { id, status, title, detail, why, fix } of findings) {
      this.print(`${marks[status]} ${title}: ${detail}  [${id}]`);
      if (status === 'ok') continue;
      this.print(`       why: ${why}`);
      if (fix) this.print(`       fix: ${fix}`);
    }
    if (findings.some((finding) => finding.status === 'fail')) process.exitCode = 10;
    return findings;
  }
}
