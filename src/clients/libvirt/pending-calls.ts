import type { Call } from './call.ts';
import type { Frame } from './frames.ts';

interface PendingCall {
  readonly call: Call;
  resolve(answer: Frame): void;
  reject(error: Error): void;
}

/** Calls that wait for their answers, by serial number. */
export class PendingCalls {
  readonly #calls = new Map<number, PendingCall>();

  get count(): number {
    return this.#calls.size;
  }

  /** The call that has waited longest. */
  get oldest(): Call | undefined {
    const [first] = this.#calls.values();
    return first?.call;
  }

  has(serial: number): boolean {
    return this.#calls.has(serial);
  }

  /** The answer to a call; throws what `late` gives if none comes within `timeoutMs`. */
  async answerTo(serial: number, call: Call, timeoutMs: number, late: () => Error): Promise<Frame> {
    const timer = setTimeout(() => this.refuse(serial, late()), timeoutMs);
    try {
      return await new Promise<Frame>((resolve, reject) => {
        this.#calls.set(serial, { call, resolve, reject });
      });
    } finally {
      clearTimeout(timer);
    }
  }

  answer(frame: Frame): void {
    this.#take(frame.serial)?.resolve(frame);
  }

  refuse(serial: number, error: Error): void {
    this.#take(serial)?.reject(error);
  }

  refuseAll(error: Error): void {
    for (const serial of this.#calls.keys()) this.refuse(serial, error);
  }

  #take(serial: number): PendingCall | undefined {
    const call = this.#calls.get(serial);
    this.#calls.delete(serial);
    return call;
  }
}
