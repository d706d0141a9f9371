import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/platform/log.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { buildProbeStemcell, type ProbeFormName } from '../../src/stemcell/index.ts';
import { writeDirectorReleases } from './director-releases.ts';
import { placeBosh } from './stand-ins/place-bosh.ts';

/** All that an environment with a director is made from, on this machine. */
export interface LiteSources extends AsyncDisposable {
  readonly folder: string;
  /** What `boshvirt up` is to be told. */
  readonly flags: readonly string[];
  /** PATH with a bosh in front. */
  readonly path: string;
  readonly stemcell: string;
  /** Paths that were asked of the server, in order. */
  readonly requests: readonly string[];
  stopServing(): Promise<void>;
}

interface Options {
  readonly form: ProbeFormName;
  /** Real programs in the place of the stand-in and of the probe stemcell's own agent. */
  readonly boshPath?: string | undefined;
  readonly agentPath?: string | undefined;
}

/** Kept over test runs, as the product keeps it. */
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'boshvirt');

/** The fixture of bosh-deployment, its releases on a local server, a stemcell, a bosh. */
export async function liteSources({ form, boshPath, agentPath }: Options): Promise<LiteSources> {
  await using disposables = new AsyncDisposableStack();
  const { path: folder } = disposables.use(await mkdtempDisposable(join(tmpdir(), 'lite-sources-')));
  const [releases, bin] = [join(folder, 'releases'), join(folder, 'bin')];
  for (const each of [releases, bin]) await mkdir(each);
  const sums = await writeDirectorReleases(releases, agentPath !== undefined);
  if (boshPath === undefined) await placeBosh(bin);
  else await writeFile(join(bin, 'bosh'), `#!/bin/sh\nexec '${boshPath}' "$@"\n`, { mode: 0o755 });
  const agent = agentPath === undefined ? {} : { agentPath };
  const { path: stemcell } = await buildProbeStemcell({ cacheDir, form, log: silentLog, ...agent });
  const server = disposables.use(await serve(releases));
  const vars = join(folder, 'vars.json');
  await writeFile(vars, JSON.stringify({ releases_url: server.url, releases_sha1: sums }));
  const owned = disposables.move();
  return {
    folder,
    flags: [
      ...['--bosh-deployment', join(packageRoot(), 'test/fixtures/bosh-deployment'), '--vars-file', vars],
      ...['--stemcell', stemcell, '--workload-stemcell', stemcell],
    ],
    path: `${bin}:${process.env.PATH}`,
    stemcell,
    requests: server.requests,
    stopServing: async () => await server[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function serve(folder: string) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    readFile(join(folder, request.url ?? '')).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    requests,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
