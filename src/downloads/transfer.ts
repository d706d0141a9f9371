import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../platform/errors.ts';
import type { Artifact } from './artifact.ts';
import { difference } from './check-digests.ts';
import { Digester, type Digests, digesterOf } from './digests.ts';
import type { Answer, HttpSource } from './http-source.ts';
import type { PartialFile } from './partial-file.ts';
import type { Meter } from './progress.ts';
import { noRoom, refuseNoRoom } from './refuse-no-room.ts';
import { brokenConnection, Setback } from './setback.ts';

/** Where the bytes of one attempt come from, where they go, and who follows it. */
export interface Transfer {
  readonly artifact: Artifact;
  readonly address: string;
  readonly source: HttpSource;
  readonly partial: PartialFile;
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

/**
 * One attempt to bring the partial file to its end, from where it is. Gives the checksums of what is a whole and right file then.
 * Throws a Setback; what has come stays for the next attempt unless it is of no use.
 */
export async function transfer(work: Transfer): Promise<Digests> {
  const { artifact, address, source, partial, signal } = work;
  const part = await partial.partOf(address);
  const answer = (await source.get(address, part, signal)) ?? (await source.get(address, undefined, signal));
  if (!answer) throw new Setback('temporary', 'sends no whole file');
  if (answer.bytes !== undefined) await refuseWrong(artifact, { bytes: answer.bytes }, partial);
  const digests = await receive(answer, work);
  await refuseWrong(artifact, digests, partial);
  return digests;
}

/** A part of a wrong file is of no use. */
async function refuseWrong(artifact: Artifact, got: Partial<Digests>, partial: PartialFile): Promise<void> {
  const wrong = difference(artifact, got);
  if (wrong === undefined) return;
  await partial.discard();
  throw new Setback('wrong', `serves another file: ${wrong}`);
}

async function receive(answer: Answer, work: Transfer): Promise<Digests> {
  const { artifact, address, partial, meter, signal } = work;
  const digester = answer.offset > 0 ? await digesterOf(partial.path, signal) : new Digester();
  const bytes = answer.bytes ?? artifact.bytes;
  meter.begin(answer.offset, bytes);
  await refuseNoRoom(artifact.name, (bytes ?? 0) - answer.offset, dirname(partial.path));
  const file = await partial.open(address, answer);
  try {
    let length = answer.offset;
    for await (const chunk of bodyOf(answer, address, signal)) {
      length += chunk.length;
      if (bytes !== undefined && length > bytes)
        throw new Setback('wrong', `sends more than the ${bytes} bytes that it should`);
      digester.update(chunk);
      await append(file, chunk, partial.path);
      meter.add(chunk.length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return digester.digests();
}

async function* bodyOf({ body }: Answer, address: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    signal.throwIfAborted();
    throw brokenConnection(error, address);
  }
}

async function append(file: FileHandle, chunk: Uint8Array, path: string): Promise<void> {
  try {
    await file.writeFile(chunk);
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '')) throw error;
    throw noRoom(`There is no space left in ${dirname(path)}`, error);
  }
}
