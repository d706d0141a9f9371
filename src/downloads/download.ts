import { formatDuration } from '../platform/amounts.ts';
import { errnoOf, messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { pause } from '../platform/retry.ts';
import { isRemote, localPath, shownAddress } from './address.ts';
import type { Artifact } from './artifact.ts';
import { difference } from './check-digests.ts';
import { type Digests, digestFile } from './digests.ts';
import { failureOf, type Refusal } from './errors.ts';
import type { Patience } from './fetch-options.ts';
import type { HttpSource } from './http-source.ts';
import type { PartialFile } from './partial-file.ts';
import type { Meter } from './progress.ts';
import { Setback } from './setback.ts';
import { transfer } from './transfer.ts';

/** What a download works with. */
export interface DownloadTools {
  source(): Promise<HttpSource>;
  readonly partial: PartialFile;
  readonly patience: Patience;
  readonly meter: Meter;
  readonly log: Log;
  readonly signal: AbortSignal;
  tell(line: string): void;
}

/** A whole and right file, and who gave it. */
export interface Downloaded extends Digests {
  readonly address: string;
}

/**
 * Asks one address after the other until one gives the artifact: into the partial file, or from a path, where it stays.
 * Throws what failureOf makes of all that they said.
 */
export async function download(artifact: Artifact, tools: DownloadTools): Promise<Downloaded> {
  const refusals: Refusal[] = [];
  for (const address of artifact.urls) {
    try {
      const digests = isRemote(address)
        ? await persist(artifact, address, tools)
        : await digestLocal(artifact, localPath(address), tools.signal);
      return { ...digests, address };
    } catch (error) {
      if (!(error instanceof Setback)) throw error;
      refusals.push({ address, reason: error.message, isWrong: error.kind === 'wrong' });
      tools.tell(`${artifact.name}: ${shownAddress(address)} ${error.message}`);
    }
  }
  throw failureOf(artifact, refusals);
}

/** Attempts at one address, as long as they get further or may yet. */
async function persist(artifact: Artifact, address: string, tools: DownloadTools): Promise<Digests> {
  const { partial, patience, meter, signal } = tools;
  const source = await tools.source();
  let futile = 0;
  let furthest = 0;
  let wasWrong = false;
  for (;;) {
    try {
      return await transfer({ artifact, address, source, partial, meter, signal });
    } catch (error) {
      if (!(error instanceof Setback) || error.kind === 'final') throw error;
      if (error.kind === 'wrong' && wasWrong) throw error;
      wasWrong ||= error.kind === 'wrong'; // bits got lost, or a page came in place of the file: that passes
      const length = await partial.length();
      futile = length > furthest ? 1 : futile + 1;
      furthest = Math.max(furthest, length);
      if (futile >= patience.attempts) {
        throw new Setback(error.kind, `${error.message} (${futile} attempts)`, { cause: error });
      }
      await waitAfter(error, futile, artifact, address, tools);
    }
  }
}

async function waitAfter(
  setback: Setback,
  futile: number,
  { name }: Artifact,
  address: string,
  { patience, signal, log, tell }: DownloadTools,
): Promise<void> {
  const waitMs = setback.waitMs ?? patience.retryDelayMs * 2 ** (futile - 1);
  log.info(`${name}: ${shownAddress(address)}: ${setback.message}; next attempt in ${waitMs} ms`);
  tell(`${name}: ${new URL(address).host} ${setback.message}; tries again in ${formatDuration(waitMs)}`);
  await pause(waitMs, signal);
}

async function digestLocal(artifact: Artifact, path: string, signal: AbortSignal): Promise<Digests> {
  const digests = await digestFile(path, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    const reason = { ENOENT: 'is not there', EISDIR: 'is a folder', EACCES: 'may not be read' };
    throw new Setback('final', reason[errnoOf(error) as keyof typeof reason] ?? messageOf(error), {
      cause: error,
    });
  });
  const wrong = difference(artifact, digests);
  if (wrong !== undefined) throw new Setback('wrong', `is another file: ${wrong}`);
  return digests;
}
