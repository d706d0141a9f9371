import {
  connectLibvirt,
  type Domain,
  type Libvirt,
  type Pool,
  type Volume,
} from '../../clients/libvirt/index.ts';
import type { Log } from '../../platform/log.ts';
import type { BackendConfig } from '../backend.ts';
import { CloudError, vmNotFound } from '../errors.ts';
import { isVmCid } from './cids.ts';
import { HeldLocks } from './networks/held-locks.ts';

/** One connection to libvirt and what all stores of a backend look up through it. */
export class LibvirtHost implements AsyncDisposable {
  readonly config: BackendConfig;
  readonly libvirt: Libvirt;
  readonly log: Log;
  /** On networks whose addresses are being chosen from. */
  readonly locks = new HeldLocks();
  #pool: Promise<Pool> | undefined;
  #poolPath: Promise<string> | undefined;

  private constructor(config: BackendConfig, libvirt: Libvirt, log: Log) {
    this.config = config;
    this.libvirt = libvirt;
    this.log = log;
  }

  static async open(config: BackendConfig, log: Log): Promise<LibvirtHost> {
    return new LibvirtHost(config, await connectLibvirt(config.uri), log);
  }

  /** libvirt's driver, as the URI names it: it lists none of another one's VMs. */
  get driver(): string {
    return /^\w+/.exec(this.config.uri)?.[0] ?? '';
  }

  /** The environment's storage pool. Throws a CloudError if nobody made it or it is stopped. */
  pool(): Promise<Pool> {
    this.#pool ??= this.#findPool();
    return this.#pool;
  }

  async #findPool(): Promise<Pool> {
    const pool = await this.libvirt.findPool(this.config.storagePool);
    if (!pool) {
      throw new CloudError(
        'CloudError',
        `There is no storage pool '${this.config.storagePool}' at ${this.config.uri}`,
        {
          hints: ['boshvirt up makes it; or name another one: storage_pool in cpi.json'],
        },
      );
    }
    if (!(await pool.isActive())) {
      throw new CloudError('CloudError', `Storage pool '${pool.name}' at ${this.config.uri} is stopped`, {
        hints: [`boshvirt up starts it, and so does: virsh pool-start ${pool.name}`],
      });
    }
    return pool;
  }

  /** The pool's folder on the hypervisor's machine. */
  poolPath(): Promise<string> {
    this.#poolPath ??= this.pool()
      .then((pool) => pool.xml())
      .then(poolPathIn);
    return this.#poolPath;
  }

  async findVolume(name: string): Promise<Volume | undefined> {
    return await (await this.pool()).findVolume(name);
  }

  /** The VM's domain, whatever its state. */
  async findVm(cid: string): Promise<Domain | undefined> {
    return isVmCid(cid) ? await this.libvirt.findDomain(cid) : undefined;
  }

  /** The same; throws VMNotFound. */
  async existingVm(cid: string): Promise<Domain> {
    const domain = await this.findVm(cid);
    if (!domain) throw vmNotFound(cid);
    return domain;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.locks[Symbol.asyncDispose]();
    await this.libvirt[Symbol.asyncDispose]();
  }
}

/** The folder in a pool's XML; libvirt escapes nothing else in it than what XML needs. */
export function poolPathIn(poolXml: string): string {
  const path = /<path>([^<]+)<\/path>/.exec(poolXml)?.[1];
  if (path === undefined) throw new CloudError('CloudError', `The storage pool has no folder: ${poolXml}`);
  return path
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&apos;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}
