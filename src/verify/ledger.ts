import type { JsonValue } from '../cpi/backend.ts';

/** Kinds of things in the order in which they are deleted. */
const deletions = ['vm', 'snapshot', 'disk', 'network', 'stemcell'] as const;
export type Kind = (typeof deletions)[number];

const makers: Readonly<Record<string, Kind>> = {
  create_vm: 'vm',
  snapshot_disk: 'snapshot',
  create_disk: 'disk',
  update_disk: 'disk',
  create_network: 'network',
  create_stemcell: 'stemcell',
};
const deleters = new Map(deletions.map((kind) => [`delete_${kind}`, kind]));

export interface Thing {
  readonly kind: Kind;
  readonly cid: string;
}

/** What the CPI says it made, so that all of it can be taken away again. */
export class Ledger {
  readonly #there = new Map<string, Thing>();
  /** CIDs of VMs and disks that were made at any time. */
  readonly everMade: Thing[] = [];

  /** Notes what a call that worked has made or deleted. */
  note(method: string, args: readonly JsonValue[], result: JsonValue): void {
    const made = makers[method];
    const cid = Array.isArray(result) ? result[0] : result;
    if (made && typeof cid === 'string' && cid !== '') this.#add({ kind: made, cid });
    if (method === 'update_disk' && typeof cid === 'string' && cid !== args[0]) this.#forget('disk', args[0]);
    const deleted = deleters.get(method);
    if (deleted) this.#forget(deleted, args[0]);
  }

  /** What is still there, in the order in which it can be deleted; stemcells only on demand. */
  remaining(options: { stemcells: boolean }): Thing[] {
    const things = [...this.#there.values()];
    const kinds = deletions.filter((kind) => options.stemcells || kind !== 'stemcell');
    return kinds.flatMap((kind) => things.filter((thing) => thing.kind === kind));
  }

  #add(thing: Thing): void {
    this.#there.set(keyOf(thing.kind, thing.cid), thing);
    this.everMade.push(thing);
  }

  #forget(kind: Kind, cid: JsonValue | undefined): void {
    this.#there.delete(keyOf(kind, String(cid)));
  }
}

const keyOf = (kind: Kind, cid: string): string => `${kind} ${cid}`;
