import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { messageOf, UserError } from '../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';

export interface DiskRecord {
  readonly id: string;
  readonly cid: string;
  readonly size: number;
  readonly cloud_properties: Readonly<Record<string, unknown>>;
}

export interface StemcellRecord {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly api_version?: number;
  readonly cid: string;
}

export interface ReleaseRecord {
  readonly id: string;
  readonly name: string;
  readonly version: string;
}

/** bosh's deployment state, key for key (contract 5.1). */
export interface DeploymentState {
  readonly director_id: string;
  readonly installation_id: string;
  readonly current_vm_cid: string;
  readonly current_stemcell_id: string;
  readonly current_disk_id: string;
  readonly current_release_ids: readonly string[] | null;
  readonly current_manifest_sha: string;
  readonly disks: readonly DiskRecord[] | null;
  readonly stemcells: readonly StemcellRecord[] | null;
  readonly releases: readonly ReleaseRecord[] | null;
}

/** The state as a file that is written after each step, so that a kill loses nothing that bosh would need. */
export class StateFile {
  readonly path: string;
  #state: DeploymentState;

  private constructor(path: string, state: DeploymentState) {
    this.path = path;
    this.#state = state;
  }

  /** Throws STATE_DAMAGED if the file is there and is no state. Keys that we do not know are kept. */
  static async open(path: string): Promise<StateFile> {
    const text = await readTextIfThere(path);
    return new StateFile(path, { ...emptyState(), ...(text === undefined ? {} : parse(path, text)) });
  }

  get state(): DeploymentState {
    return this.#state;
  }

  get disks(): readonly DiskRecord[] {
    return this.#state.disks ?? [];
  }

  get stemcells(): readonly StemcellRecord[] {
    return this.#state.stemcells ?? [];
  }

  async change(change: Partial<DeploymentState>): Promise<void> {
    this.#state = { ...this.#state, ...change };
    await writeFileAtomic(this.path, `${JSON.stringify(this.#state, null, 4)}\n`);
  }

  /** bosh removes the file when nothing is left. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

function emptyState(): DeploymentState {
  return {
    director_id: randomUUID(),
    installation_id: '',
    current_vm_cid: '',
    current_stemcell_id: '',
    current_disk_id: '',
    current_release_ids: null,
    current_manifest_sha: '',
    disks: [],
    stemcells: [],
    releases: [],
  };
}

function parse(path: string, text: string): Partial<DeploymentState> {
  try {
    const state = JSON.parse(text) as Partial<DeploymentState>;
    if (typeof state === 'object' && state !== null) return state;
    throw new Error('it holds no object');
  } catch (error) {
    throw new UserError('STATE_DAMAGED', `The deployment state ${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
      hints: ['put it back from a backup; without it bosh does not know what it made'],
    });
  }
}
