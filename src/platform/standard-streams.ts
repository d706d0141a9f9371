/**
 * stdin, stdout and stderr of a process that lives for one answer. Node's own streams load its network code for a pipe, 5 ms
 * of the 10 that a light CPI call adds to a start of Node; here bytes are read and written on the spot. A descriptor that was
 * set not to wait (EAGAIN) is left to Node's streams, which can wait for it.
 */
import { readSync, writeSync } from 'node:fs';
import { errnoOf } from './errors.ts';

const stepBytes = 64 * 1024;

/** All that comes from stdin. */
export async function* standardInput(): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(stepBytes);
      const count = readSync(0, buffer);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } catch (error) {
    if (errnoOf(error) !== 'EAGAIN') throw error;
    yield* process.stdin;
  }
}

export function writeToStdout(text: string): void {
  writeAll(1, text, () => process.stdout);
}

/** A log that cannot be written (nobody reads it, its disk is full) does not stop the work, nor change what it gives. */
export function writeToStderr(text: string): void {
  try {
    writeAll(2, text, () => process.stderr);
  } catch {
    return; // there is no other place to say so
  }
}

function writeAll(descriptor: number, text: string, stream: () => NodeJS.WriteStream): void {
  let rest = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
  } catch (error) {
    if (errnoOf(error) !== 'EAGAIN') throw error;
    stream().write(rest);
  }
}
