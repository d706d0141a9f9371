/** A file system as a list: each folder before what it holds. */
export type GuestEntry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number; readonly owner?: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** Collects a guest's files; folders come by themselves, and a path is written once. */
export class GuestTree {
  readonly #entries = new Map<string, GuestEntry>();

  folder(path: string, mode = 0o755, owner = 0): void {
    this.#parents(path);
    this.#entries.set(path, { kind: 'folder', path, mode, owner });
  }

  file(path: string, content: Uint8Array | string, mode = 0o644): void {
    this.#parents(path);
    this.#entries.set(path, {
      kind: 'file',
      path,
      mode,
      content: typeof content === 'string' ? Buffer.from(content) : content,
    });
  }

  link(path: string, target: string): void {
    this.#parents(path);
    this.#entries.set(path, { kind: 'link', path, target });
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  entries(): GuestEntry[] {
    return [...this.#entries.values()];
  }

  #parents(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (parent !== '' && !this.#entries.has(parent)) this.folder(parent);
  }
}
