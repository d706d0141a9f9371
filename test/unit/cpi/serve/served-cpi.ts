import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServeOptions, type Serving, startServing } from '../../../../src/cpi/serve/index.ts';
import { type Log, silentLog } from '../../../../src/platform/log.ts';
import { type CpiVariables, cpiCertificates } from '../../../support/cpi-certificates.ts';

/** A CPI that is a shell script: it finds its request in $request and its configuration's path in $1. */
const scripted = (script: string) =>
  ['sh', '-c', `request=$(cat); shift; ${script}`, 'cpi'] as [string, ...string[]];

/** Says who it is on stderr, and gives the request back as its result. */
export const echo =
  'echo "a line of the log" >&2; printf \'{"result":%s,"error":null,"log":""}\\n\' "$request"';

export interface Served extends AsyncDisposable {
  readonly serving: Serving;
  readonly folder: string;
  readonly url: string;
  readonly certificates: CpiVariables;
  auditLines(): Promise<Record<string, unknown>[]>;
  /** Ends the server and starts it again in the same folder. */
  restart(): Promise<void>;
}

/** Generated once: two keys of RSA take their time. */
const shared: { certificates?: Promise<CpiVariables> } = {};
export const address = '127.0.0.1';

async function certificatesOnce(): Promise<CpiVariables> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-tls-'));
  return await cpiCertificates(join(folder.path, 'creds.yml'), address);
}

/** The real server on this machine's loopback, in front of a scripted CPI. */
export async function serveCpi(
  script: string,
  options: Partial<ServeOptions> & { readonly log?: Log } = {},
): Promise<Served> {
  shared.certificates ??= certificatesOnce();
  const certificates = await shared.certificates;
  const folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-serve-'));
  const auditPath = join(folder.path, 'audit.log');
  const { ca, certificate, private_key: privateKey } = certificates.boshvirt_cpi_server_tls;
  const start = (port: number) =>
    startServing({
      ...{
        address,
        port,
        tls: { ca, certificate, privateKey },
        auditPath,
        folder: join(folder.path, 'work'),
      },
      ...{ command: scripted(script), cpiConfig: { backend: 'test' }, identity: 'one', log: silentLog },
      ...options,
    });
  let serving = await start(0);
  return {
    serving,
    folder: folder.path,
    url: `https://${address}:${serving.port}`,
    certificates,
    auditLines: async () =>
      (await readFile(auditPath, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    async restart() {
      await serving.close();
      serving = await start(serving.port);
    },
    async [Symbol.asyncDispose]() {
      await serving.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
