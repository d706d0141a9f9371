import { formatBytes, formatDuration } from '../platform/amounts.ts';
import { BugError } from '../platform/errors.ts';
import type { Artifact } from './artifact.ts';

/** What one download tells of itself. */
export interface Meter {
  /** It goes on at byte `offset`; `bytes` in all, if the server says so. */
  begin(offset: number, bytes: number | undefined): void;
  add(bytes: number): void;
}

/** How far a download is. */
export interface Download {
  readonly name: string;
  got: number;
  /** Of the whole file, if that is known. */
  bytes: number | undefined;
  state: 'waiting' | 'running' | 'done';
}

/** One line for people: the sum first, then what runs. */
export function progressLine(downloads: readonly Readonly<Download>[], bytesPerSecond: number): string {
  const running = downloads.filter(({ state }) => state === 'running');
  const done = downloads.filter(({ state }) => state === 'done');
  const got = sum(downloads.map((download) => download.got));
  const known = downloads.every(({ bytes }) => bytes !== undefined);
  const bytes = sum(downloads.map((download) => download.bytes ?? 0));
  const words = [
    known ? `${percent(got, bytes)} of ${formatBytes(bytes)}` : formatBytes(got),
    `${formatBytes(Math.round(bytesPerSecond))}/s`,
    ...(known && bytesPerSecond >= 1 ? [`${remaining(bytes - got, bytesPerSecond)} left`] : []),
    ...(downloads.length > 1 ? [`${done.length} of ${downloads.length} done`] : []),
  ];
  return `${words.join(', ')}: ${running.map(partOf).join(', ')}`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const partOf = ({ name, got, bytes }: Readonly<Download>): string =>
  `${name} ${bytes === undefined ? formatBytes(got) : percent(got, bytes)}`;

const percent = (got: number, bytes: number): string =>
  `${bytes === 0 ? 100 : Math.min(100, Math.floor((100 * got) / bytes))} %`;

/** Whole seconds: it is a guess. */
const remaining = (bytes: number, perSecond: number): string => {
  const seconds = Math.ceil(bytes / perSecond);
  return seconds < 120 ? `${seconds} s` : formatDuration(seconds * 1000);
};

const tickMs = 1000;
/** The speed is that of the last so many ticks. */
const rememberedTicks = 10;
/** Where lines do not take each other's place they grow rare: a line each time the wait is longer by so much of itself. */
const growth = 0.1;

/** Follows the downloads of one call and says every now and then how far they are. Dispose of it to silence it. */
export class Progress implements Disposable {
  readonly #say: (line: string) => void;
  readonly #downloads = new Map<Artifact, Download>();
  readonly #start = performance.now();
  #saidAt = this.#start;
  /** What had come over the network by then. */
  readonly #ticks = [{ at: this.#start, came: 0 }];
  #came = 0;
  #cached = 0;
  readonly #timer = setInterval(() => this.#tick(performance.now()), tickMs).unref();

  constructor(artifacts: readonly Artifact[], say: (line: string) => void) {
    this.#say = say;
    for (const artifact of artifacts)
      this.#downloads.set(artifact, { name: artifact.name, got: 0, bytes: artifact.bytes, state: 'waiting' });
  }

  /** Takes the figures of one of them. */
  meter(artifact: Artifact): Meter {
    const download = this.#of(artifact);
    return {
      begin: (offset, bytes) => Object.assign(download, { got: offset, bytes, state: 'running' }),
      add: (bytes) => {
        download.got += bytes;
        this.#came += bytes;
      },
    };
  }

  /** It was in the cache: of all those together one line is enough. */
  cached(artifact: Artifact, bytes: number): void {
    Object.assign(this.#of(artifact), { got: bytes, bytes, state: 'done' });
    this.#cached += 1;
  }

  /** It came; `how` says by which road. */
  done(artifact: Artifact, bytes: number, how: string): void {
    Object.assign(this.#of(artifact), { got: bytes, bytes, state: 'done' });
    this.#say(`${artifact.name}: ${formatBytes(bytes)} ${how}`);
  }

  /** All are there. */
  close(): void {
    const count = this.#downloads.size;
    if (this.#cached === 0) return;
    this.#say(`${this.#cached === count ? 'all' : this.#cached} of ${count} in the cache`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #of(artifact: Artifact): Download {
    const download = this.#downloads.get(artifact);
    if (!download) throw new BugError(`${artifact.name} is not among the downloads of this call`);
    return download;
  }

  #tick(now: number): void {
    this.#ticks.push({ at: now, came: this.#came });
    if (this.#ticks.length > rememberedTicks) this.#ticks.shift();
    const downloads = [...this.#downloads.values()];
    if (!downloads.some(({ state }) => state === 'running') || !this.#isDue(now)) return;
    this.#saidAt = now;
    this.#say(progressLine(downloads, this.#bytesPerSecond(now)));
  }

  #isDue(now: number): boolean {
    return process.stderr.isTTY || now - this.#saidAt >= growth * (now - this.#start);
  }

  #bytesPerSecond(now: number): number {
    const first = this.#ticks[0];
    return first && now > first.at ? (1000 * (this.#came - first.came)) / (now - first.at) : 0;
  }
}
