/** Ctrl-C or a polite kill: work stops at the next safe point. */
export class Interrupted extends Error {
  override name = 'Interrupted';
  readonly status: number;
  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}; run the same command again and it goes on from there`);
    this.status = signal === 'SIGINT' ? 130 : 143;
  }
}

/** A signal that fires when this process is asked to end; a second Ctrl-C ends it at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Interrupted(signal)));
  }
  return controller.signal;
}
