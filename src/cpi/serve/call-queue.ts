import type { ServeLimits } from './limits.ts';
import { Refusal } from './refusal.ts';

/** Lets so many calls run at once; the others wait, first come first served. */
export class CallQueue {
  readonly #limits: Pick<ServeLimits, 'calls' | 'waiting'>;
  /** Each is told whether its turn has come, or never will. */
  readonly #waiting: ((mayRun: boolean) => void)[] = [];
  readonly #idle: (() => void)[] = [];
  #running = 0;
  #ended = false;

  constructor(limits: Pick<ServeLimits, 'calls' | 'waiting'>) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Throws a Refusal (503) if too many wait already or the queue has ended. */
  async run<T>(act: () => Promise<T>): Promise<T> {
    await this.#turn();
    try {
      return await act();
    } finally {
      const next = this.#waiting.shift();
      if (next) next(true);
      else this.#running -= 1;
      if (this.#running === 0) for (const tell of this.#idle.splice(0)) tell();
    }
  }

  /** Lets nobody in any more, and waits for those that run; those that wait are refused. */
  async end(): Promise<void> {
    this.#ended = true;
    for (const tell of this.#waiting.splice(0)) tell(false);
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #turn(): Promise<void> {
    if (this.#ended) throw isStopping();
    if (this.#running < this.#limits.calls) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= this.#limits.waiting)
      throw new Refusal(
        503,
        'CloudError',
        `The CPI server has ${this.#limits.waiting} calls waiting already`,
        ['lower the number of the director’s workers (director.workers), or look what its calls wait for'],
      );
    if (!(await new Promise<boolean>((resolve) => this.#waiting.push(resolve)))) throw isStopping();
  }
}

const isStopping = (): Refusal =>
  new Refusal(503, 'CloudError', 'The CPI server is being stopped: the call was not begun', [
    'boshvirt up starts it again',
  ]);
