import { Flags } from '@oclif/core';
import { BaseCommand } from '../command-line/base-command.ts';
import { yesFlag } from '../command-line/shared-flags.ts';
import { backendNames } from '../cpi/backends/registry.ts';
import { type DoctorFinding, doctor, repair } from '../environment/doctor.ts';
import { doctorOfEnvironments, type EnvironmentFinding } from '../environment/doctor-environments.ts';

const marks: Readonly<Record<DoctorFinding['status'], string>> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary =
    'Look at this machine: what is there, what is missing, why it matters, how to mend it.';
  static override description =
    'Without --backend it also follows the way to each environment’s guests: bridge, forwarding, firewall, route, names, director.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --fix --yes',
    '<%= config.bin %> doctor --backend lxc --fix',
  ];
  static override enableJsonFlag = true;
  static override flags = {
    ...yesFlag,
    backend: Flags.string({
      options: ['auto', ...backendNames],
      description: 'hypervisor to look at (default: all of them, the one that up would take before all)',
      env: 'BOSHVIRT_BACKEND',
    }),
    fix: Flags.boolean({ description: 'install what is missing, after asking' }),
  };

  async run(): Promise<(DoctorFinding | EnvironmentFinding)[]> {
    const { fix: repairs } = this.flags;
    const backend = this.flags.backend === 'auto' ? undefined : this.flags.backend;
    if (repairs) await repair(backend, this.caller(this.flags));
    const findings = [
      ...(await doctor(backend)),
      ...(backend === undefined ? await doctorOfEnvironments(this.debugLog, this.signal) : []),
    ];
    let group = '';
    for (const finding of findings) {
      const { id, status, title, detail, why, fix } = finding;
      const about = subjectOf(finding);
      if (about !== group) this.print(`\n${about}`);
      group = about;
      this.print(`${marks[status]} ${title}: ${detail}  [${id}]`);
      if (status === 'ok') continue;
      this.print(`       why: ${why}`);
      if (fix) this.print(`       fix: ${fix}`);
    }
    if (findings.some((finding) => finding.status === 'fail')) process.exitCode = 10;
    return findings;
  }
}

/** '': this machine. */
function subjectOf(finding: DoctorFinding | EnvironmentFinding): string {
  if ('environment' in finding) return `environment ${finding.environment}`;
  return finding.backend === undefined ? '' : `backend ${finding.backend}`;
}
