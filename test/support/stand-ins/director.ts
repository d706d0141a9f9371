import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileInTarball } from './file-in-tarball.ts';

export interface DirectorOptions {
  readonly host: string;
  readonly port: number;
  /** Where it keeps what it was told, over its own end. */
  readonly folder: string;
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  /** Of the client `admin`. */
  readonly password: string;
}

interface Config {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly content: string;
  readonly created_at: string;
}

interface Uploaded {
  readonly name: string;
  readonly version: string;
}

/** What it was told, in one file. */
interface Memory {
  readonly configs: readonly Config[];
  readonly stemcells: readonly Uploaded[];
  readonly releases: readonly Uploaded[];
  readonly tasks: number;
}

interface Answer {
  readonly status?: number;
  readonly body?: unknown;
}

/**
 * A director as far as the bosh CLI sees one that has not deployed anything: it keeps configs, stemcells and releases, by the
 * director's API (bosh-cli's director/*.go). Needs nothing but Node 18, so that it runs in a guest.
 */
export class StandInDirector {
  readonly #options: DirectorOptions;
  readonly #path: string;

  constructor(options: DirectorOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.#path = join(options.folder, 'memory.json');
  }

  /** Answers until the process, or the server that it gives, ends. */
  async listen() {
    const { host, port, certificate, key } = this.#options;
    const server = createServer({ cert: certificate, key }, (request, response) => {
      this.#answer(request).then(
        (answer) => send(response, answer),
        (error: Error) => send(response, { status: 500, body: { code: 100, description: error.message } }),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return server;
  }

  get memory(): Memory {
    if (!existsSync(this.#path)) return { configs: [], stemcells: [], releases: [], tasks: 0 };
    return JSON.parse(readFileSync(this.#path, 'utf8'));
  }

  #remember(change: Partial<Memory>): void {
    writeFileSync(`${this.#path}.new`, JSON.stringify({ ...this.memory, ...change }));
    renameSync(`${this.#path}.new`, this.#path);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', 'https://director');
    const [, kind = '', word = '', part = ''] = url.pathname.split('/');
    const isAdmin = this.#isAdmin(request);
    if (kind === 'info') return { body: this.#info(isAdmin) };
    if (!isAdmin) return { status: 401, body: { code: 600000, description: 'Not authorized' } };
    if (kind === 'configs') return await this.#configs(request, url, word);
    if (kind === 'tasks') return taskAnswer(word, part);
    if (kind === 'stemcell_uploads') return { body: await this.#needed(request) };
    if (kind === 'stemcells') return await this.#uploads(request, 'stemcells', 'stemcell.MF');
    if (kind === 'releases' && word !== '') return { body: { jobs: [], packages: [] } };
    if (kind === 'releases') return await this.#uploads(request, 'releases', 'release.MF');
    if (kind === 'packages') return { body: [] };
    if (['deployments', 'disks', 'locks'].includes(kind)) return { body: [] };
    return { status: 404, body: { code: 1, description: `a stand-in does not know ${url.pathname}` } };
  }

  #isAdmin({ headers }: IncomingMessage): boolean {
    const [, pair = ''] = (headers.authorization ?? '').split('Basic ');
    return Buffer.from(pair, 'base64').toString() === `admin:${this.#options.password}`;
  }

  #info(isAdmin: boolean): unknown {
    return {
      name: this.#options.name,
      uuid: 'f2ff9bfd-60e8-4b25-bd5a-e55b65e7b1a4',
      version: '1.0.0 (00000000)',
      user: isAdmin ? 'admin' : null,
      cpi: 'stand_in_cpi',
      user_authentication: { type: 'basic', options: {} },
      features: {},
    };
  }

  async #configs(request: IncomingMessage, { searchParams }: URL, word: string): Promise<Answer> {
    const { configs } = this.memory;
    if (word === 'diff')
      return { body: { diff: [], from: { id: lastOf(configs, await json(request))?.id ?? '0' } } };
    if (request.method === 'POST') return { status: 201, body: this.#addConfig(await json(request)) };
    if (word !== '') {
      const found = configs.find(({ id }) => id === word);
      return found
        ? { body: shown(found, configs) }
        : { status: 404, body: { code: 440012, description: 'none' } };
    }
    const [type, name] = [searchParams.get('type'), searchParams.get('name')];
    const asked = configs.filter(
      (config) => (type === null || config.type === type) && (name === null || config.name === name),
    );
    const active = asked.map((config) => shown(config, configs)).filter(({ current }) => current);
    return { body: active };
  }

  #addConfig({ type, name, content }: Config): unknown {
    const { configs } = this.memory;
    const added = {
      id: String(configs.length + 1),
      type,
      name,
      content,
      created_at: new Date().toISOString(),
    };
    this.#remember({ configs: [...configs, added] });
    return shown(added, this.memory.configs);
  }

  async #needed(request: IncomingMessage): Promise<unknown> {
    const { stemcell } = (await json(request)) as unknown as { stemcell: Uploaded };
    return { needed: !this.memory.stemcells.some((there) => same(there, stemcell)) };
  }

  async #uploads(
    request: IncomingMessage,
    kind: 'stemcells' | 'releases',
    manifest: string,
  ): Promise<Answer> {
    if (request.method === 'POST') return await this.#upload(request, kind, manifest);
    const all = this.memory[kind];
    if (kind === 'stemcells')
      return {
        body: all.map((each) => ({
          ...each,
          operating_system: 'probe',
          cid: `cid-${each.version}`,
          deployments: [],
        })),
      };
    const names = [...new Set(all.map(({ name }) => name))];
    const versions = (of: string) =>
      all
        .filter(({ name }) => name === of)
        .map(({ version }) => ({ version, commit_hash: '1', uncommitted_changes: false }));
    return { body: names.map((name) => ({ name, release_versions: versions(name) })) };
  }

  /** A task that is over as soon as it is looked at. */
  async #upload(request: IncomingMessage, kind: 'stemcells' | 'releases', manifest: string): Promise<Answer> {
    const path = join(this.#options.folder, 'arriving.tgz');
    await pipeline(request, createWriteStream(path));
    const text = await fileInTarball(path, manifest);
    const [name, version] = ['name', 'version'].map((key) => topLevel(text, key));
    if (!name || !version) return { status: 400, body: { code: 2, description: `no ${manifest}` } };
    const there = this.memory[kind].filter((each) => !same(each, { name, version }));
    const tasks = this.memory.tasks + 1;
    this.#remember({ [kind]: [...there, { name, version }], tasks });
    return { body: task(tasks) };
  }
}

const task = (id: number) => ({
  id,
  state: 'done',
  description: 'upload',
  timestamp: 0,
  started_at: 0,
  result: '',
  user: 'admin',
});

/** Events are lines of JSON; a chunk after the first is out of range. */
function taskAnswer(id: string, part: string): Answer {
  return part === 'output' ? { body: undefined } : { body: task(Number(id)) };
}

const same = (one: Uploaded, other: Uploaded): boolean =>
  one.name === other.name && one.version === other.version;

const lastOf = (
  configs: readonly Config[],
  { type, name }: Pick<Config, 'type' | 'name'>,
): Config | undefined => configs.filter((config) => config.type === type && config.name === name).at(-1);

const shown = (config: Config, all: readonly Config[]) => ({
  ...config,
  team: null,
  current: lastOf(all, config)?.id === config.id,
});

/** The value of `key: value` at a line's beginning; quotes are taken off. */
function topLevel(yaml: string, key: string): string | undefined {
  return new RegExp(`^${key}: *['"]?([^'"\\n]+)`, 'm').exec(yaml)?.[1]?.trim();
}

async function json(request: IncomingMessage): Promise<Config> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function send(response: ServerResponse, { status = 200, body }: Answer): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    etag: createHash('sha1').update(text).digest('hex'),
  });
  response.end(text);
}
