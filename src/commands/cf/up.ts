import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../command-line/base-command.ts';
import { keyValues } from '../../command-line/key-values.ts';
import { environmentArg, overlayFlags, yesFlag } from '../../command-line/shared-flags.ts';
import type { CfRequest } from '../../environment/cf/cf-settings.ts';
import { type CfUpOutcome, cfDryRun, cfUp } from '../../environment/cf/up.ts';
import { downloadLock } from '../../environment/download-lock.ts';
import { readVariables } from '../../environment/variables.ts';
import { formatDuration } from '../../platform/amounts.ts';

const apiTimeoutMs = 5 * 60_000;

export default class CfUp extends BaseCommand<typeof CfUp> {
  static override summary =
    'Deploy Cloud Foundry to a lite environment, or go on where an earlier try stopped.';
  static override description =
    'Takes cf-deployment, fits it to one machine, uses compiled releases with the stemcell that they are for, and waits ' +
    'until the API answers. What was asked for is kept: later runs need no flags.';
  static override examples = [
    '<%= config.bin %> up --profile lite --size cf && <%= config.bin %> cf up',
    '<%= config.bin %> cf up work --dry-run',
    '<%= config.bin %> cf up --cf-deployment ~/cf-deployment -o ~/cf-deployment/operations/use-postgres.yml',
  ];
  static override enableJsonFlag = true;
  static override args = environmentArg;
  static override flags = {
    ...yesFlag,
    'system-domain': Flags.string({
      description: "domain of the API and, by default, of apps (default: the environment's own)",
      env: 'BOSHVIRT_SYSTEM_DOMAIN',
    }),
    'cf-deployment': Flags.string({
      description: 'a folder or a commit of cf-deployment, or pinned',
      env: 'BOSHVIRT_CF_DEPLOYMENT',
    }),
    ...overlayFlags,
    'via-cache': Flags.boolean({
      description:
        'fetch releases into the cache and upload them from there: another time they need no internet',
    }),
    offline: Flags.boolean({ description: 'fetch nothing', env: 'BOSHVIRT_OFFLINE' }),
    'update-lock': Flags.boolean({
      description: 'accept what an address gives now, though boshvirt.lock has other bytes for it',
    }),
    config: Flags.string({
      description: 'configuration file beside which the lock file lies, instead of the one found',
      env: 'BOSHVIRT_CONFIG',
    }),
    'dry-run': Flags.boolean({ description: 'print the bosh commands, and run none' }),
  };

  async run(): Promise<CfUpOutcome | { commands: string[] }> {
    const start = performance.now();
    const { environment } = this.args;
    const { offline, 'via-cache': viaCache, 'update-lock': update, config: configPath } = this.flags;
    const options = { offline, viaCache, apiTimeoutMs };
    if (this.flags['dry-run']) {
      const { lines } = await cfDryRun(environment, this.#request(), options, this.caller(this.flags));
      this.print(lines.join('\n'));
      return { commands: lines };
    }
    const lock = { downloadLock: await downloadLock(environment, { configPath, update }) };
    const outcome = await cfUp(
      environment,
      this.#request(),
      { ...options, ...lock },
      this.caller(this.flags),
    );
    this.print(`Cloud Foundry is up in '${environment}' (${formatDuration(performance.now() - start)}).`);
    this.print(`  api       ${outcome.api}`);
    this.print(`  router    ${outcome.router}`);
    if (outcome.apiAddress !== outcome.router) this.print(`  names     ${nameFault(outcome)}`);
    this.print(`Next: boshvirt cf login ${environment}`);
    return outcome;
  }

  #request(): CfRequest {
    const { flags } = this;
    return {
      cfDeployment: flags['cf-deployment'],
      systemDomain: flags['system-domain'],
      ops: flags['ops-file']?.map((path) => resolve(path)),
      vars: flags.var && readVariables(keyValues(flags.var, '--var')),
      varsFiles: flags['vars-file']?.map((path) => resolve(path)),
    };
  }
}

const nameFault = ({ api, router, apiAddress }: CfUpOutcome): string =>
  `${apiAddress === undefined ? 'this machine does not know' : `this machine takes ${apiAddress} for`} ` +
  `${api.replace('https://', '')}: it has to lead to ${router} (docs/cf.md)`;
