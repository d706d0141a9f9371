import { messageChain } from './errors.ts';
import { type Log, silentLog } from './log.ts';

/**
 * What to do if the work at hand fails: `await using undo = new Undo(log)`, `undo.defer(…)` before each act,
 * `undo.keep()` at the end. Steps run last first; a failing step is logged and never hides the first error.
 */
export class Undo implements AsyncDisposable {
  readonly #steps: { title: string; act: () => Promise<unknown> }[] = [];
  readonly #log: Log;

  constructor(log: Log = silentLog) {
    this.#log = log;
  }

  /** Arms one step; call it before the act that the step takes back. */
  defer(title: string, act: () => Promise<unknown>): void {
    this.#steps.push({ title, act });
  }

  /** The work succeeded: nothing will be taken back. */
  keep(): void {
    this.#steps.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.act();
      } catch (error) {
        this.#log.warn(`undo: ${step.title}: ${messageChain(error)}`);
      }
    }
  }
}
