import { randomBytes } from 'node:crypto';
import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../../src/cpi/backend.ts';
import { type BackendName, backendModule } from '../../src/cpi/backends/registry.ts';
import { silentLog } from '../../src/platform/log.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { buildProbeStemcell, probeFormFor } from '../../src/stemcell/index.ts';
import { startLibvirtd, type TestLibvirtd } from './libvirtd.ts';

/** Kept over test runs, as the product keeps it. */
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'boshvirt');

/** A private libvirt host with storage, a network and a stemcell, on which bosh makes its machines. */
export class BoshHost implements AsyncDisposable {
  readonly backend: BackendName;
  readonly libvirtd: TestLibvirtd;
  /** Of the machines and the launcher; its name is one that a shell would take apart. */
  readonly folder: string;
  /** A boshvirt that runs from the sources. */
  readonly command: string;
  readonly stemcell: { readonly path: string; readonly sha1: string };
  /** The name of network and pool. */
  readonly network = `t-${randomBytes(3).toString('hex')}`;
  readonly ip = '10.244.77.6';
  readonly gateway = '10.244.77.1';
  readonly #disposables: AsyncDisposableStack;

  private constructor(
    backend: BackendName,
    parts: Pick<BoshHost, 'libvirtd' | 'folder' | 'command' | 'stemcell'>,
    disposables: AsyncDisposableStack,
  ) {
    this.backend = backend;
    this.libvirtd = parts.libvirtd;
    this.folder = parts.folder;
    this.command = parts.command;
    this.stemcell = parts.stemcell;
    this.#disposables = disposables;
  }

  /** `agentPath`: a real bosh-agent for the stemcell. */
  static async start(backend: BackendName, agentPath: string | undefined): Promise<BoshHost> {
    await using disposables = new AsyncDisposableStack();
    const { drivers, traits } = await backendModule(backend);
    const { path: folder } = disposables.use(await mkdtempDisposable(join(tmpdir(), 'boshvirt bosh ')));
    const libvirtd = disposables.use(await startLibvirtd(drivers[0]));
    const command = await writeLauncher(join(folder, "boshvirt's own"));
    const form = probeFormFor(traits.stemcellFormats) ?? 'vm';
    const agent = agentPath === undefined ? {} : { agentPath };
    const stemcell = await buildProbeStemcell({ cacheDir, form, log: silentLog, ...agent });
    const host = new BoshHost(backend, { libvirtd, folder, command, stemcell }, disposables.move());
    try {
      await host.#layGround();
      return host;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #layGround(): Promise<void> {
    const { network: bridge, gateway } = this;
    const poolPath = join(this.libvirtd.folder, 'pool');
    const plan = { poolPath, bridge, gateway, prefixLength: 24, domain: 'boshvirt.test' };
    await this.withBackend(({ ground }) => ground.prepare(plan));
  }

  /** The backend in this process, for what bosh itself never asks of it. */
  async withBackend<T>(use: (backend: Backend) => Promise<T>): Promise<T> {
    const { network } = this;
    const config = {
      environment: 'test',
      uri: this.libvirtd.uri,
      storagePool: network,
      network,
      options: {},
    };
    await using backend = await (await backendModule(this.backend)).open(config, silentLog);
    return await use(backend);
  }

  async virsh(...words: readonly string[]): Promise<string> {
    return (await run(['virsh', '-q', '-c', this.libvirtd.uri, ...words])).stdout;
  }

  /** The names of all domains, or of those that run. */
  async domains(options: readonly string[] = ['--all']): Promise<string[]> {
    return (await this.virsh('list', '--name', ...options)).split('\n').filter(Boolean);
  }

  /** Files of this host that the kernel shows as devices. */
  async loopFiles(): Promise<string[]> {
    const { stdout } = await run(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE']);
    return stdout.split('\n').filter((path) => path.startsWith(this.libvirtd.folder));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }
}

async function writeLauncher(path: string): Promise<string> {
  const main = join(packageRoot(), 'src', 'main.ts');
  await writeFile(
    path,
    `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${main}' "$@"\n`,
  );
  await chmod(path, 0o755);
  return path;
}
