import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import * as z from 'zod/mini';
import { messageOf, UserError } from '../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';

/** Keys that we do not know are kept wherever they are: a later bosh may have written them. */
const properties = z.nullable(z.record(z.string(), z.unknown()));
const disk = z.looseObject({
  id: z.string(),
  cid: z.string(),
  size: z.number(),
  cloud_properties: z._default(properties, {}),
});
const stemcell = z.looseObject({
  id: z.string(),
  name: z.string(),
  version: z.string(),
  /** Left out by bosh for 0, which is 1. */
  api_version: z.optional(z.number()),
  cid: z.string(),
});
const release = z.looseObject({ id: z.string(), name: z.string(), version: z.string() });
const listOf = <T extends z.core.$ZodType>(item: T) => z._default(z.nullable(z.array(item)), []);

/** bosh's deployment state, key for key and in its order (contract 5.1). */
const schema = z.looseObject({
  director_id: z._default(z.string(), ''),
  installation_id: z._default(z.string(), ''),
  current_vm_cid: z._default(z.string(), ''),
  current_stemcell_id: z._default(z.string(), ''),
  current_disk_id: z._default(z.string(), ''),
  current_release_ids: listOf(z.string()),
  current_manifest_sha: z._default(z.string(), ''),
  disks: listOf(disk),
  stemcells: listOf(stemcell),
  releases: listOf(release),
});

export type DeploymentState = z.output<typeof schema>;
export type DiskRecord = z.output<typeof disk>;
export type StemcellRecord = z.output<typeof stemcell>;

/** The state as a file that is written after each step, so that a kill loses nothing that bosh would need. */
export class StateFile {
  readonly path: string;
  #state: DeploymentState;

  private constructor(path: string, state: DeploymentState) {
    this.path = path;
    this.#state = state;
  }

  /** Reads the state; a new one gets its director's id and is written at once, as bosh does. Throws STATE_DAMAGED. */
  static async open(path: string): Promise<StateFile> {
    const text = await readTextIfThere(path);
    const file = new StateFile(path, parse(path, text ?? '{}'));
    if (file.state.director_id === '') await file.change({ director_id: randomUUID() });
    return file;
  }

  get state(): DeploymentState {
    return this.#state;
  }

  get disks(): readonly DiskRecord[] {
    return this.#state.disks ?? [];
  }

  get currentDisk(): DiskRecord | undefined {
    return this.disks.find(({ id }) => id === this.#state.current_disk_id);
  }

  get stemcells(): readonly StemcellRecord[] {
    return this.#state.stemcells ?? [];
  }

  get currentStemcell(): StemcellRecord | undefined {
    return this.stemcells.find(({ id }) => id === this.#state.current_stemcell_id);
  }

  async change(change: Partial<DeploymentState>): Promise<void> {
    const state = { ...this.#state, ...change };
    await writeFileAtomic(this.path, JSON.stringify(state, null, 4));
    this.#state = state;
  }

  async addDisk(record: Omit<DiskRecord, 'id'>): Promise<DiskRecord> {
    const added = { id: randomUUID(), ...record } as DiskRecord;
    await this.change({ disks: [...this.disks, added] });
    return added;
  }

  async forgetDisk({ id }: DiskRecord): Promise<void> {
    const { current_disk_id: current } = this.#state;
    await this.change({
      disks: this.disks.filter((other) => other.id !== id),
      current_disk_id: current === id ? '' : current,
    });
  }

  async addStemcell(record: Omit<StemcellRecord, 'id'>): Promise<StemcellRecord> {
    const added = { id: randomUUID(), ...record } as StemcellRecord;
    await this.change({ stemcells: [...this.stemcells, added] });
    return added;
  }

  async forgetStemcell({ id }: StemcellRecord): Promise<void> {
    const { current_stemcell_id: current } = this.#state;
    await this.change({
      stemcells: this.stemcells.filter((other) => other.id !== id),
      current_stemcell_id: current === id ? '' : current,
    });
  }

  /** bosh removes the file when nothing is left. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

function parse(path: string, text: string): DeploymentState {
  const parsed = z.safeParse(schema, json(path, text));
  if (parsed.success) return parsed.data;
  throw damaged(
    path,
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
  );
}

function json(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(path, messageOf(error), error);
  }
}

function damaged(path: string, why: string, cause?: unknown): UserError {
  return new UserError('STATE_DAMAGED', `The deployment state ${path} cannot be used: ${why}`, {
    cause,
    hints: ['put it back from a backup; without it nobody knows what was made'],
  });
}
