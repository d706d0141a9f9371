import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { LiteRecord } from '../../../../src/environment/cf/require-lite.ts';
import { environmentPaths } from '../../../../src/environment/paths.ts';
import { writeRecord } from '../../../../src/environment/record.ts';
import { sizes } from '../../../../src/environment/up-settings.ts';
import { client, type Services } from '../../../support/stand-ins/services.ts';
import { scriptedDirector, store } from '../director/scripted-director.ts';

export const routerIp = '10.245.0.34';

/**
 * The lite environment `work` with its record on disk, a scripted bosh and the services that stand in for its director's.
 * `script` is bosh's, in sh; see scriptedDirector.
 */
export async function liteScene(script: string, services: Pick<Services, 'ip' | 'ca'>) {
  const scene = await scriptedDirector(script);
  const record: LiteRecord = {
    ...scene.record,
    profile: 'lite',
    network: { ...scene.record.network, ip: services.ip },
    resources: sizes.cf,
    workload: { cidr: '10.245.0.0/20', router: routerIp, domain: 'cf.test' },
  };
  await writeRecord(record);
  const [ca, secret] = [{ ca: services.ca }, client.secret];
  const secrets = { director_ssl: ca, uaa_ssl: ca, credhub_tls: ca, credhub_admin_client_secret: secret };
  const credentials = { ...store, ...secrets };
  await writeFile(environmentPaths(record.name).credentials, stringify(credentials));
  return { ...scene, record, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

/** A caller that runs steps without showing them, and keeps what is said. */
export function quietCaller(signal = new AbortController().signal) {
  const said: string[] = [];
  const titles: string[] = [];
  const skipped: string[] = [];
  return {
    ...{ said, titles, skipped, signal },
    log: { debug() {}, info() {}, warn() {} },
    confirm: async () => true,
    tell: (text: string) => said.push(text),
    async runSteps<Context>(
      steps: readonly {
        title: string;
        skip?(context: Context): string | undefined | Promise<string | undefined>;
        run(context: Context, say: (line: string) => void): Promise<void>;
      }[],
      context: Context,
    ): Promise<void> {
      for (const step of steps) {
        if ((await step.skip?.(context)) !== undefined) skipped.push(step.title);
        else {
          titles.push(step.title);
          await step.run(context, (line) => said.push(line));
        }
      }
    },
  };
}
