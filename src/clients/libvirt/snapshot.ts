import { type Choices, flagsOf } from './flags.ts';
import type { SnapshotId } from './procedures.ts';
import type { Rpc } from './rpc.ts';

/** How a snapshot is taken; what each means, and what goes together, is libvirt's to say (virDomainSnapshotCreateFlags). */
export const snapshotBits = {
  /** Makes a snapshot known again from its XML and touches no disk. */
  redefine: 1,
  current: 2,
  noMetadata: 4,
  halt: 8,
  diskOnly: 16,
  reuseExternal: 32,
  quiesce: 64,
  atomic: 128,
  live: 256,
} as const;
export type SnapshotOptions = Choices<typeof snapshotBits>;

const revertBits = { running: 1, paused: 2, force: 4 } as const;
const deleteBits = { children: 1, metadataOnly: 2, childrenOnly: 4 } as const;
export type RevertOptions = Choices<typeof revertBits>;
export type SnapshotDeleteOptions = Choices<typeof deleteBits>;

/** A snapshot of a domain. */
export class Snapshot {
  readonly #rpc: Rpc;
  readonly #snapshot: SnapshotId;

  constructor(rpc: Rpc, id: SnapshotId) {
    this.#rpc = rpc;
    this.#snapshot = { ...id, domain: { ...id.domain, id: -1 } };
  }

  get name(): string {
    return this.#snapshot.name;
  }

  async xml(): Promise<string> {
    return (await this.#rpc.call('snapshotXml', { snapshot: this.#snapshot, flags: 0 })).xml;
  }

  /** Goes back; not atomic in libvirt 9: a failed revert leaves the domain off. */
  async revert(options: RevertOptions = {}): Promise<void> {
    const flags = flagsOf(revertBits, options);
    await this.#rpc.call('snapshotRevert', { snapshot: this.#snapshot, flags });
  }

  async delete(options: SnapshotDeleteOptions = {}): Promise<void> {
    const flags = flagsOf(deleteBits, options);
    await this.#rpc.call('snapshotDelete', { snapshot: this.#snapshot, flags });
  }
}
