import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { messageOf, ToolError } from '../platform/errors.ts';
import { packageRoot } from '../platform/package-root.ts';
import { openPipe } from '../platform/process.ts';
import { insideNetns } from './private-host/index.ts';
import { RelayStream } from './relay-stream.ts';

export interface DialOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The way to guests: directly, or through the network namespace of a private host. */
export function guestRoad(netnsPath: string | undefined) {
  return {
    dial: (host: string, port: number, options: DialOptions) =>
      dialThroughNetns(netnsPath, host, port, options),
    commandPrefix: netnsPath === undefined ? [] : insideNetns(netnsPath, []),
  };
}

/**
 * Opens a TCP connection to a guest. In a namespace a child process does the connecting and relays the bytes; it ends with
 * the stream. Throws a ToolError TEMPORARY that says who did not answer and why, or the signal's reason.
 */
export async function dialThroughNetns(
  netnsPath: string | undefined,
  host: string,
  port: number,
  options: DialOptions,
): Promise<Duplex> {
  const { timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const { stream, ready } =
    netnsPath === undefined ? dialDirectly(host, port) : dialByRelay(netnsPath, host, port);
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    await Promise.race([ready, abortion(signal ? AbortSignal.any([deadline, signal]) : deadline)]);
    return stream;
  } catch (error) {
    stream.on('error', () => {}); // it has lost its user; what it says now must not end the process
    stream.destroy();
    signal?.throwIfAborted();
    const why = deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error);
    throw new ToolError('TEMPORARY', `${host} port ${port} cannot be reached: ${why}`, { cause: error });
  }
}

/** Rejects when the signal fires. */
async function abortion(signal: AbortSignal): Promise<never> {
  return await new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

interface Opening {
  readonly stream: Duplex;
  readonly ready: Promise<void>;
}

function dialDirectly(host: string, port: number): Opening {
  const stream = connect({ host, port, noDelay: true });
  const ready = new Promise<void>((resolve, reject) => {
    stream.once('connect', resolve);
    stream.once('error', reject);
  });
  return { stream, ready };
}

function dialByRelay(netnsPath: string, host: string, port: number): Opening {
  const relay = join(packageRoot(), 'libexec', 'relay.mjs');
  const [program = '', ...args] = insideNetns(netnsPath, [process.execPath, relay, host, String(port)]);
  const stream = new RelayStream(openPipe([program, ...args]));
  return { stream, ready: stream.connected };
}
