import type { Log } from '../../platform/log.ts';

/** One line of work that a person can follow. Steps are data: how they are shown is the command line's business. */
export interface Step<Context> {
  readonly title: string;
  /** A reason not to run, or undefined. */
  skip?(context: Context): string | undefined | Promise<string | undefined>;
  /** `say` shows what is going on right now. */
  run(context: Context, say: (line: string) => void): Promise<void>;
}

/** What a use case is given by whoever calls it. */
export interface Caller {
  readonly log: Log;
  readonly signal: AbortSignal;
  runSteps<Context>(steps: readonly Step<Context>[], context: Context): Promise<void>;
  /**
   * Asks a yes-or-no question, `usual` being what Enter alone means; without a terminal and without --yes it throws a UserError
   * that names the flag.
   */
  confirm(question: string, usual: 'yes' | 'no'): Promise<boolean>;
  /** Words for the person, outside of any step. */
  tell(text: string): void;
}
