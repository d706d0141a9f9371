import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { backendModule, backendNames } from '../../cpi/backends/registry.ts';
import { automaticBackend } from '../../environment/choose-backend.ts';
import { exitStatus, messageOf, UserError } from '../../platform/errors.ts';
import type { SuiteReport } from '../../verify/report.ts';
import { junitXml } from '../../verify/reports/junit.ts';
import { clauseLines, heading, summaryLine, wrap } from '../../verify/reports/terminal.ts';
import { type ListedClause, listClauses, verify } from '../../verify/verify.ts';

export default class CpiVerify extends BaseCommand<typeof CpiVerify> {
  static override summary = 'Try a CPI, clause by clause, as bosh would use it, and tell what holds.';
  static override description =
    'Calls it in the sequences of create-env and of a director, with real guests, and looks at the effects by other roads than its answers. Without --cpi: the CPI of boshvirt. docs/cpi-verify.md tells how to try any other.';
  static override examples = [
    '<%= config.bin %> cpi verify',
    '<%= config.bin %> cpi verify --only snapshots --only disks.attach',
    '<%= config.bin %> cpi verify --cpi ./bin/cpi --stemcell stemcell.tgz --networks networks.yml --junit report.xml',
  ];
  static override enableJsonFlag = true;
  static override flags = {
    backend: Flags.string({
      description: "which of boshvirt's backends: auto, or one by its name",
      options: ['auto', ...backendNames],
      default: 'auto',
      exclusive: ['cpi'],
    }),
    uri: Flags.string({ description: "libvirt's URI, for boshvirt's own backends", exclusive: ['cpi'] }),
    cpi: Flags.string({ description: 'another CPI: its executable, which is started without arguments' }),
    stemcell: Flags.string({ description: 'stemcell tarball; with --cpi it is needed' }),
    'cloud-properties': Flags.string({ description: 'YAML or JSON: vm, disk and disk_size' }),
    networks: Flags.string({
      description: 'YAML or JSON: networks with addresses to use; with --cpi it is needed',
      dependsOn: ['cpi'],
    }),
    only: Flags.string({
      description: 'a clause or a group, with what they stand on; may be given again',
      multiple: true,
      multipleNonGreedy: true,
    }),
    list: Flags.boolean({ description: 'tell the clauses and try nothing' }),
    junit: Flags.string({ description: 'also write a JUnit report to this file' }),
  };

  async run(): Promise<SuiteReport | readonly ListedClause[]> {
    const { cpi, only = [], junit } = this.flags;
    if (this.flags.list) return this.#list();
    if (junit !== undefined) await requirePlace(junit);
    const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
    const report = await verify(
      {
        module: cpi === undefined ? await this.#backend() : undefined,
        cpi: cpi === undefined ? undefined : resolve(cpi),
        uri: this.flags.uri,
        stemcell: this.flags.stemcell,
        cloudProperties: this.flags['cloud-properties'],
        networks: this.flags.networks,
        only,
        boshvirtCommand: this.boshvirtCommand,
      },
      this.caller({ yes: false }),
      {
        onSequence: ({ title }) => this.print(heading(title)),
        onEnd: (clause) => this.print(clauseLines(clause, { colour })),
      },
    );
    this.print(`\n${summaryLine(report)}`);
    if (junit !== undefined) await writeFile(junit, junitXml(report));
    if (report.failed > 0) process.exitCode = exitStatus.CPI;
    return report;
  }

  async #backend() {
    const { backend } = this.flags;
    return backend === 'auto' ? (await automaticBackend()).module : await backendModule(backend);
  }

  #list(): readonly ListedClause[] {
    const clauses = listClauses(this.flags.only ?? []);
    for (const { id, title, section } of clauses)
      this.print(`${id}\n${wrap(`${title} (contract ${section})`, '    ', 80)}`);
    return clauses;
  }
}

/** Before minutes of work whose report could not be kept; an older report is not to be taken for this run's. */
async function requirePlace(path: string): Promise<void> {
  try {
    await writeFile(path, '');
  } catch (error) {
    throw new UserError('USAGE', `The report cannot be written: ${messageOf(error)}`, {
      hints: ['name another file with --junit'],
      cause: error,
    });
  }
}
