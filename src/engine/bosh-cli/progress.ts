/**
 * Reads what bosh prints while it works: `Step...` when a step begins, ` Finished (00:00:05)` on the same line when it has
 * ended. A step is told when it begins, since the long ones are those that somebody waits for.
 */
export class Progress {
  readonly #tell: (step: string) => void;
  readonly #waiting: (() => void)[] = [];
  #line = '';
  /** Whether the step of this line was told. */
  #told = false;
  #step: string | undefined;
  #running = false;
  #failed: string | undefined;
  #unchanged = false;

  constructor(tell: (step: string) => void) {
    this.#tell = tell;
  }

  /** The step that is running. */
  get running(): string | undefined {
    return this.#running ? this.#step : undefined;
  }

  /** The first step that failed; after it bosh only cleans up. */
  get failed(): string | undefined {
    return this.#failed;
  }

  /** True once bosh said that everything is as the manifest wants it. */
  get unchanged(): boolean {
    return this.#unchanged;
  }

  /** Takes output as it comes, in pieces of any size. */
  read(chunk: string): void {
    for (const [at, part] of chunk.split('\n').entries()) {
      if (at > 0) this.#endLine();
      this.#line += part;
      this.#look();
    }
  }

  /** Resolves when the step that is running has ended; at once if none is. */
  async stepEnd(): Promise<void> {
    if (this.#running) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #look(): void {
    if (this.#line.startsWith('No deployment, stemcell or release changes')) this.#unchanged = true;
    const [, step, result] = this.#line.match(/^\s*(\S.*?)\.\.\.( (?:Finished|Skipped|Failed)\b.*)?$/) ?? [];
    if (step === undefined) return;
    if (!this.#told) this.#begin(step);
    if (result?.startsWith(' Failed')) this.#failed ??= step;
    if (result !== undefined) this.#endStep();
  }

  #begin(step: string): void {
    this.#told = true;
    this.#step = step;
    this.#running = true;
    this.#tell(step);
  }

  #endLine(): void {
    this.#line = '';
    this.#told = false;
    this.#endStep();
  }

  #endStep(): void {
    this.#running = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
