/** Locks that planning takes and that the VM's definition makes needless: from then on others see its record. */
export class HeldLocks implements AsyncDisposable {
  #locks: AsyncDisposable[] = [];

  add(lock: AsyncDisposable): void {
    this.#locks.push(lock);
  }

  /** Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const locks = this.#locks;
    this.#locks = [];
    for (const lock of locks) await lock[Symbol.asyncDispose]();
  }
}
