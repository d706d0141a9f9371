import { libvirtErrors } from './errors.ts';
import { type Choices, flagsOf } from './flags.ts';
import type { PoolId, VolumeId } from './procedures.ts';
import type { Rpc } from './rpc.ts';
import { unless } from './unless.ts';

export type PoolState = 'inactive' | 'building' | 'running' | 'degraded' | 'inaccessible';
export interface PoolInfo {
  readonly state: PoolState;
  readonly capacityBytes: number;
  readonly allocationBytes: number;
  readonly availableBytes: number;
}
const poolStates: readonly PoolState[] = ['inactive', 'building', 'running', 'degraded', 'inaccessible'];

export interface VolumeInfo {
  readonly type: 'file' | 'block' | 'dir' | 'network' | 'netdir' | 'ploop';
  readonly capacityBytes: number;
  readonly allocationBytes: number;
}
const volumeTypes: readonly VolumeInfo['type'][] = ['file', 'block', 'dir', 'network', 'netdir', 'ploop'];

export interface UploadOptions {
  readonly offsetBytes?: number;
  /** 0, the default: to the end of `source`. */
  readonly lengthBytes?: number;
  /** Sends runs of zeroes as holes: right for a fresh raw volume alone, since a hole writes nothing. */
  readonly sparse?: boolean;
  readonly signal?: AbortSignal;
}

export interface DownloadOptions {
  readonly offsetBytes?: number;
  /** 0, the default: to the volume's end. */
  readonly lengthBytes?: number;
  readonly signal?: AbortSignal;
}

const sparseStream = 1;
const createBits = { preallocateMetadata: 1 } as const;
const cloneBits = { ...createBits, reflink: 2 } as const;
const resizeBits = { allocate: 1, shrink: 4 } as const;
export type VolumeCreateOptions = Choices<typeof createBits>;
export type VolumeCloneOptions = Choices<typeof cloneBits>;
export type VolumeResizeOptions = Choices<typeof resizeBits>;

/** A place for volumes. */
export class Pool {
  readonly #rpc: Rpc;
  readonly #pool: PoolId;

  constructor(rpc: Rpc, id: PoolId) {
    this.#rpc = rpc;
    this.#pool = id;
  }

  get name(): string {
    return this.#pool.name;
  }

  get uuid(): string {
    return this.#pool.uuid;
  }

  /** Makes what the pool lies in: a folder, for pools of type dir. */
  async build(): Promise<void> {
    await this.#rpc.call('poolBuild', { pool: this.#pool, flags: 0 });
  }

  async start(): Promise<void> {
    await this.#rpc.call('poolCreate', { pool: this.#pool, flags: 0 });
  }

  /** Stops the pool; nothing in it is touched. */
  async destroy(): Promise<void> {
    await this.#rpc.call('poolDestroy', { pool: this.#pool });
  }

  /** Removes what the pool lay in; a folder has to be empty. */
  async delete(): Promise<void> {
    await this.#rpc.call('poolDelete', { pool: this.#pool, flags: 0 });
  }

  async undefine(): Promise<void> {
    await this.#rpc.call('poolUndefine', { pool: this.#pool });
  }

  /** Reads the folder again. Fails while any volume is being made in it (libvirt 9). */
  async refresh(): Promise<void> {
    await this.#rpc.call('poolRefresh', { pool: this.#pool, flags: 0 });
  }

  async info(): Promise<PoolInfo> {
    const { state, capacity, allocation, available } = await this.#rpc.call('poolInfo', { pool: this.#pool });
    const name = poolStates[state] ?? 'inactive';
    return { state: name, capacityBytes: capacity, allocationBytes: allocation, availableBytes: available };
  }

  async xml(): Promise<string> {
    return (await this.#rpc.call('poolXml', { pool: this.#pool, flags: 0 })).xml;
  }

  async isActive(): Promise<boolean> {
    return (await this.#rpc.call('poolIsActive', { pool: this.#pool })).active;
  }

  async setAutostart(autostart: boolean): Promise<void> {
    await this.#rpc.call('poolSetAutostart', { pool: this.#pool, autostart });
  }

  async listVolumes(): Promise<Volume[]> {
    const { volumes } = await this.#rpc.call('listVolumes', { pool: this.#pool, wanted: 1, flags: 0 });
    return volumes.map((id) => new Volume(this.#rpc, id));
  }

  async findVolume(name: string): Promise<Volume | undefined> {
    return await unless(
      libvirtErrors.NO_STORAGE_VOL,
      async () =>
        new Volume(this.#rpc, (await this.#rpc.call('volumeByName', { pool: this.#pool, name })).volume),
    );
  }

  async createVolume(xml: string, options: VolumeCreateOptions = {}): Promise<Volume> {
    const args = { pool: this.#pool, xml, flags: flagsOf(createBits, options) };
    return new Volume(this.#rpc, (await this.#rpc.call('volumeCreate', args)).volume);
  }

  /** A new volume with the content of another one. `reflink`: sharing its blocks, where the file system can. */
  async cloneVolume(xml: string, from: Volume, options: VolumeCloneOptions = {}): Promise<Volume> {
    const args = { pool: this.#pool, xml, from: from.id, flags: flagsOf(cloneBits, options) };
    return new Volume(this.#rpc, (await this.#rpc.call('volumeClone', args)).volume);
  }
}

export class Volume {
  readonly #rpc: Rpc;
  readonly id: VolumeId;

  constructor(rpc: Rpc, id: VolumeId) {
    this.#rpc = rpc;
    this.id = id;
  }

  get name(): string {
    return this.id.name;
  }

  /** The pool's name. */
  get pool(): string {
    return this.id.pool;
  }

  get key(): string {
    return this.id.key;
  }

  async path(): Promise<string> {
    return (await this.#rpc.call('volumePath', { volume: this.id })).path;
  }

  async info(): Promise<VolumeInfo> {
    const { type, capacity, allocation } = await this.#rpc.call('volumeInfo', { volume: this.id });
    return { type: volumeTypes[type] ?? 'file', capacityBytes: capacity, allocationBytes: allocation };
  }

  async xml(): Promise<string> {
    return (await this.#rpc.call('volumeXml', { volume: this.id, flags: 0 })).xml;
  }

  /** Smaller than it is only with `shrink`; `allocate`: the new space is taken now. */
  async resize(capacityBytes: number, options: VolumeResizeOptions = {}): Promise<void> {
    const args = { volume: this.id, capacity: capacityBytes, flags: flagsOf(resizeBits, options) };
    await this.#rpc.call('volumeResize', args);
  }

  async delete(): Promise<void> {
    await this.#rpc.call('volumeDelete', { volume: this.id, flags: 0 });
  }

  /** Writes `source` into the volume; as fast as the daemon takes it and never faster. */
  async upload(source: AsyncIterable<Uint8Array>, options: UploadOptions = {}): Promise<void> {
    const { offsetBytes = 0, lengthBytes = 0, sparse = false, signal } = options;
    const args = {
      volume: this.id,
      offset: offsetBytes,
      length: lengthBytes,
      flags: sparse ? sparseStream : 0,
    };
    const stream = await this.#rpc.openStream('volumeUpload', args);
    await stream.upload(source, { sparse, signal });
  }

  /** Reads the volume's bytes, as fast as they are taken and no faster. Leaving the loop ends the download. */
  async *download(options: DownloadOptions = {}): AsyncGenerator<Buffer> {
    const { offsetBytes = 0, lengthBytes = 0, signal } = options;
    const args = { volume: this.id, offset: offsetBytes, length: lengthBytes, flags: 0 };
    yield* (await this.#rpc.openStream('volumeDownload', args)).download(signal);
  }
}
