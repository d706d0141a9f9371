import { endAtOnce } from './end-process.ts';

/** Ctrl-C or a polite kill: work stops at the next safe point. */
export class Interrupted extends Error {
  override name = 'Interrupted';
  readonly status: number;
  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}; run the same command again and it goes on from there`);
    this.status = signal === 'SIGINT' ? 130 : 143;
  }
}

/**
 * A signal that fires when this process is asked to end; asked a second time, it ends at once. The listeners stay: execa ends a
 * process that has none left besides its own.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const interrupted = new Interrupted(signal);
      if (controller.signal.aborted) endAtOnce(interrupted.status);
      controller.abort(interrupted);
    });
  }
  return controller.signal;
}
