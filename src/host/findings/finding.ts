/** Something about this machine that a person should know. */
export interface Finding {
  /** Stable, for scripts: `qemu.present`. */
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
