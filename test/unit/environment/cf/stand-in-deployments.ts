/** A director as far as `bosh deploy` and `bosh delete-deployment` see one, by its API (bosh-cli's director/*.go). */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { Place } from '../../../support/stand-ins/services.ts';

export interface DeploymentsOptions {
  readonly stemcells: readonly { name: string; version: string; os: string }[];
  /** Compiled, all of them, for the first stemcell. */
  readonly releases: readonly { name: string; version: string }[];
  readonly cloudConfig: string;
  /** Why a deployment fails; undefined: it does not. */
  readonly fault?: string;
  readonly disks?: readonly object[];
}

const started = 1_760_000_000;
const event = (seconds: number, more: object) => ({
  time: started + seconds,
  tags: [],
  total: 1,
  index: 1,
  ...more,
});

/** Two instances are updated side by side, so that each line is of another one than the line before. */
const updates = ['api', 'router'].flatMap((name, at) => {
  const update = { stage: 'Updating instance', tags: [name], task: `${name}/1 (0) (canary)` };
  return [event(at, { ...update, state: 'started' }), event(60 + at, { ...update, state: 'finished' })];
});

/** Listens at the place's port 25555, and notes what was asked of it. */
export async function startDeployments({ ip, identity }: Place, options: DeploymentsOptions) {
  const asked: string[] = [];
  const manifests: string[] = [];
  const failed = options.fault !== undefined;
  const task = (id: number, state = 'done') => ({
    id,
    state,
    description: '',
    timestamp: 0,
    started_at: 0,
    result: '',
  });
  const events = [...updates].sort((one, other) => one.time - other.time);
  const output = failed
    ? [...events, event(90, { error: { code: 400_007, message: options.fault } })]
    : events;
  const answers: Record<string, () => unknown> = {
    'GET /info': () => ({
      ...{ name: 'work', uuid: 'u', version: '283.1.6 (0)', user: 'admin', cpi: 'warden_cpi', features: {} },
      user_authentication: { type: 'basic', options: {} },
    }),
    'GET /stemcells': () =>
      options.stemcells.map(({ os, ...stemcell }) => ({
        ...{ ...stemcell, operating_system: os, cid: 'c', cpi: '', deployments: [{ name: 'cf' }] },
      })),
    'GET /releases': () =>
      options.releases.map(({ name, version }) => ({ name, release_versions: [{ version }] })),
    'POST /deployments/cf/diff': () => ({ context: {}, diff: [['name: cf', 'added']] }),
    'POST /deployments': () => task(9, 'processing'),
    'DELETE /deployments/cf': () => task(10, 'processing'),
    'GET /tasks/9': () => task(9, failed ? 'error' : 'done'),
    'GET /tasks/10': () => task(10),
    'GET /disks': () => options.disks ?? [],
  };
  const answer = async (request: IncomingMessage): Promise<[number, string]> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://director');
    const key = `${request.method} ${pathname}`;
    asked.push(key);
    let body = '';
    for await (const chunk of request) body += chunk;
    if (key === 'POST /deployments') manifests.push(body);
    if (pathname === '/configs') return [200, JSON.stringify(configs(searchParams.get('type'), options))];
    if (pathname.startsWith('/configs/'))
      return [200, JSON.stringify(configs(pathname.split('/')[2] ?? null, options)[0])];
    if (pathname.startsWith('/releases/')) return [200, JSON.stringify(release(options))];
    if (pathname.endsWith('/output')) return outputAnswer(pathname, request.headers.range, output);
    const found = answers[key];
    return found
      ? [200, JSON.stringify(found())]
      : [404, JSON.stringify({ code: 1, description: `no ${key}` })];
  };
  const server = createServer(
    { cert: identity.certificate, key: identity.private_key },
    (request, response) => {
      answer(request).then(([status, text]) => response.writeHead(status).end(text));
    },
  );
  server.listen(25_555, ip);
  await once(server, 'listening');
  return {
    ...{ asked, manifests },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A chunk after the last line is out of range; the result, which nobody wants a part of, is empty. */
function outputAnswer(
  pathname: string,
  range: string | undefined,
  events: readonly object[],
): [number, string] {
  if (range === undefined) return [200, ''];
  if (range !== 'bytes=0-' || !pathname.startsWith('/tasks/9/')) return [416, ''];
  return [200, events.map((each) => `${JSON.stringify(each)}\n`).join('')];
}

/** One config of each type that `boshvirt up` gives a director; its id is its type. */
function configs(type: string | null, { cloudConfig }: DeploymentsOptions) {
  const contents: Record<string, [string, string]> = {
    cloud: ['default', cloudConfig],
    runtime: ['dns', 'addons: []'],
  };
  const found = contents[type ?? ''];
  if (!found) return [];
  const [name, content] = found;
  return [
    { id: type, type, name, content, current: true, created_at: '2026-01-01 00:00:00 UTC', team: null },
  ];
}

const release = ({ stemcells: [stemcell] }: DeploymentsOptions) => ({
  jobs: [],
  packages: [
    {
      ...{ name: 'p', fingerprint: 'f', blobstore_id: '', sha1: '' },
      compiled_packages: [{ stemcell: `${stemcell?.os}/${stemcell?.version}`, blobstore_id: 'b', sha1: 's' }],
    },
  ],
});
