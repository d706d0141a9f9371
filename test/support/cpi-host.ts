import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend, BackendConfig } from '../../src/cpi/backend.ts';
import { type BackendName, backendModule } from '../../src/cpi/backends/registry.ts';
import { guestRoad } from '../../src/host/forward.ts';
import {
  findPrivateHost,
  privateHostNames,
  startPrivateHost,
  stopPrivateHost,
} from '../../src/host/private-host/index.ts';
import { type Log, silentLog } from '../../src/platform/log.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { BoshCpi } from './bosh-cpi.ts';
import { startLibvirtd, type TestLibvirtd } from './libvirtd.ts';

/** The agents' user and password. */
export const mbusPassword = 'mbus-of-tests';
const subnet = '10.244.78';
export const gateway = `${subnet}.1`;
export const addressOf = (host: number): string => `${subnet}.${host}`;

/** A manual network as bosh sends it: the default one, which carries the gateway. */
export function networkAt(number: number) {
  return {
    type: 'manual',
    ip: addressOf(number),
    netmask: '255.255.255.0',
    gateway,
    dns: [gateway],
    default: ['dns', 'gateway'],
    cloud_properties: {},
  };
}

/** A private libvirt host with a pool and a network laid as `boshvirt up` lays them, for one test file. */
export class CpiHost implements AsyncDisposable {
  readonly backend: BackendName;
  readonly libvirtd: TestLibvirtd;
  readonly config: BackendConfig;
  readonly poolPath: string;
  /** The CPI, started as bosh starts it. */
  readonly cpi: BoshCpi;
  /** The way to the guests. */
  readonly road: ReturnType<typeof guestRoad>;

  private constructor(backend: BackendName, libvirtd: TestLibvirtd, config: BackendConfig, cpi: BoshCpi) {
    this.backend = backend;
    this.libvirtd = libvirtd;
    this.config = config;
    this.poolPath = join(libvirtd.folder, 'pool');
    this.cpi = cpi;
    this.road = guestRoad(privateHostNames(libvirtd.folder).netnsPath);
  }

  static async start(backend: BackendName = 'qemu'): Promise<CpiHost> {
    // a checkout's launcher brings the build up to date, but not on the way to the CPI
    await run([join(packageRoot(), 'bin/boshvirt'), '--version'], { timeoutMs: 120_000 });
    const libvirtd = await startLibvirtd(backend);
    try {
      const name = `t-${randomBytes(3).toString('hex')}`;
      const config = {
        environment: 'test',
        uri: libvirtd.uri,
        storagePool: name,
        network: name,
        networkNamespace: privateHostNames(libvirtd.folder).netnsPath,
        options: {},
      };
      const host = new CpiHost(
        backend,
        libvirtd,
        config,
        await cpiWith(backend, libvirtd.folder, 'cpi', config),
      );
      await host.layGround();
      return host;
    } catch (error) {
      await libvirtd[Symbol.asyncDispose]();
      throw error;
    }
  }

  async layGround(): Promise<void> {
    const { poolPath } = this;
    const plan = { poolPath, bridge: this.config.network, gateway, prefixLength: 24, domain: 'bosh.test' };
    await this.withBackend(async ({ ground }) => await ground.prepare(plan));
  }

  /** Switches it off and on again, as a machine that loses its power. */
  async restart(): Promise<void> {
    const { folder } = this.libvirtd;
    await stopPrivateHost(folder, { guestTimeoutMs: 0 });
    await startPrivateHost(folder, {
      driver: this.backend,
      log: silentLog,
      signal: AbortSignal.timeout(90_000),
    });
  }

  /** Runs a program among the host's own mounts and processes; gives its output, also if it ends with status 1. */
  async inside(...argv: readonly string[]): Promise<string> {
    const host = await findPrivateHost(this.libvirtd.folder);
    const command = ['nsenter', '-t', String(host?.pid), '-m', '-p', ...argv] as [string, ...string[]];
    return (await run(command, { okExitCodes: [1] })).stdout;
  }

  /** The CPI with some of its configuration changed. */
  async cpiWith(name: string, changes: Partial<BackendConfig>): Promise<BoshCpi> {
    return await cpiWith(this.backend, this.libvirtd.folder, name, { ...this.config, ...changes });
  }

  /** The backend in this process, for what bosh itself never asks of it. */
  async withBackend<T>(act: (backend: Backend) => Promise<T>, log: Log = silentLog): Promise<T> {
    await using backend = await (await backendModule(this.backend)).open(this.config, log);
    return await act(backend);
  }

  async virsh(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(['virsh', '-q', '-c', this.config.uri, ...args]);
    return stdout.trim();
  }

  async vmNames(): Promise<string[]> {
    return lines(await this.virsh('list', '--all', '--name')).sort();
  }

  /** Volumes that begin so, as libvirt finds them when it looks at the folder. */
  async volumeNames(start = '', pool = this.config.storagePool): Promise<string[]> {
    await this.virsh('pool-refresh', pool);
    return lines(await this.virsh('vol-list', pool))
      .map((line) => line.split(/\s+/)[0] ?? '')
      .filter((name) => name.startsWith(start))
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.libvirtd[Symbol.asyncDispose]();
  }
}

async function cpiWith(
  backend: BackendName,
  folder: string,
  name: string,
  config: BackendConfig,
): Promise<BoshCpi> {
  const path = join(folder, `${name}.json`);
  const { environment, uri, storagePool, network, networkNamespace, options } = config;
  const text = JSON.stringify({
    backend,
    environment,
    libvirt: { uri, network_namespace: networkNamespace },
    storage_pool: storagePool,
    network,
    [backend]: options,
    agent: { mbus: `https://mbus:${mbusPassword}@0.0.0.0:6868` },
  });
  await writeFile(path, text);
  return new BoshCpi(path);
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
