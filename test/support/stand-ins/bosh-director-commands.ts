import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { BoshFlags } from './bosh-flags.ts';
import { fileInTarball } from './file-in-tarball.ts';

type Row = Readonly<Record<string, string>>;

/** What bosh does with the director that BOSH_ENVIRONMENT names. */
export async function directorCommand(
  command: string,
  [word = '']: readonly string[],
  flags: BoshFlags,
): Promise<void> {
  const query = new URLSearchParams();
  for (const key of ['type', 'name'] as const) if (flags[key]) query.set(key, flags[key]);
  if (command === 'env' || command === 'environment') show(flags, [(await ask('GET', '/info')) as Row]);
  else if (command === 'configs') show(flags, marked((await ask('GET', `/configs?${query}`)) as Config[]));
  else if (command === 'config') show(flags, [(await ask('GET', `/configs/${word}`)) as Row]);
  else if (command === 'update-config') await updateConfig(word, flags);
  else if (command === 'stemcells') show(flags, (await ask('GET', '/stemcells')) as Row[]);
  else if (command === 'releases') show(flags, (await ask('GET', '/releases')) as Row[]);
  else if (command === 'deployments') show(flags, (await ask('GET', '/deployments')) as Row[]);
  else if (command === 'disks') show(flags, (await ask('GET', '/disks')) as Row[]);
  else if (command === 'delete-deployment') await ask('DELETE', `/deployments/${flags.deployment}`);
  else if (command === 'upload-stemcell') await uploadStemcell(word);
  else if (command === 'upload-release') await upload('/releases', word);
  else throw new Error(`Unknown command '${command}'`);
}

interface Config {
  readonly id: string;
  readonly current: boolean;
  readonly type: string;
  readonly name: string;
}

const marked = (configs: readonly Config[]): Row[] =>
  configs.map(({ id, current, type, name }) => ({ id: current ? `${id}*` : id, type, name }));

async function updateConfig(path: string, { type, name }: BoshFlags): Promise<void> {
  const content = await readFile(path, 'utf8');
  await ask('POST', '/configs', JSON.stringify({ type, name, content }));
}

async function uploadStemcell(path: string): Promise<void> {
  const manifest = await fileInTarball(path, 'stemcell.MF');
  const [name, version] = ['name', 'version'].map(
    (key) => new RegExp(`^${key}: *['"]?([^'"\\n]+)`, 'm').exec(manifest)?.[1],
  );
  const { needed } = (await ask(
    'POST',
    '/stemcell_uploads',
    JSON.stringify({ stemcell: { name, version } }),
  )) as {
    needed: boolean;
  };
  if (needed) await upload('/stemcells', path);
}

async function upload(place: string, path: string): Promise<void> {
  await ask('POST', place, path, true);
}

function show({ json }: BoshFlags, rows: readonly Row[]): void {
  const lines = [
    `Using environment '${process.env.BOSH_ENVIRONMENT}' as client '${process.env.BOSH_CLIENT}'`,
  ];
  if (json) process.stdout.write(JSON.stringify({ Tables: [{ Rows: rows }], Blocks: null, Lines: lines }));
  else for (const row of rows) process.stdout.write(`${Object.values(row).join('\t')}\n`);
}

async function ask(method: string, path: string, body = '', isFile = false): Promise<unknown> {
  const { BOSH_ENVIRONMENT, BOSH_CLIENT, BOSH_CLIENT_SECRET, BOSH_CA_CERT = '' } = process.env;
  const ca = BOSH_CA_CERT.startsWith('-----') ? BOSH_CA_CERT : await readFile(BOSH_CA_CERT);
  const length = isFile ? (await stat(body)).size : Buffer.byteLength(body);
  const outgoing = request(`${BOSH_ENVIRONMENT}${path}`, {
    method,
    ca,
    auth: `${BOSH_CLIENT}:${BOSH_CLIENT_SECRET}`,
    headers: { 'content-length': length },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
  });
  if (isFile) await pipeline(createReadStream(body), outgoing);
  else outgoing.end(body);
  const response = await answered;
  const said = await text(response);
  const status = response.statusCode ?? 0;
  if (status >= 300)
    throw new Error(`Director responded with non-successful status code '${status}' response '${said}'`);
  return said === '' ? undefined : JSON.parse(said);
}
