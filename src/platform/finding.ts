/** Something about this machine that a person should know. */
export interface Finding {
  /** Stable, for scripts: `qemu.version`. */
  readonly id: string;
  readonly title: string;
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was seen. */
  readonly detail: string;
  /** What it matters for. */
  readonly why: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** What a look at one thing gives. */
export type Verdict = Pick<Finding, 'status' | 'detail' | 'fix'>;

/** One thing to look at. */
export interface Check extends Pick<Finding, 'id' | 'title' | 'why'> {
  look(): Promise<Verdict>;
}

export const ok = (detail: string): Verdict => ({ status: 'ok', detail });
export const warn = (detail: string, fix: string): Verdict => ({ status: 'warn', detail, fix });
export const fail = (detail: string, fix: string): Verdict => ({ status: 'fail', detail, fix });
