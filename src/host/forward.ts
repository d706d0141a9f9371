import { connect } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { messageOf, ToolError } from '../platform/errors.ts';
import { packageRoot } from '../platform/package-root.ts';
import { openPipe } from '../platform/process.ts';

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

/** An argv that runs in a network namespace. Not `ip netns exec`, which hides the CPI's mounts (real-bosh/README.md 2). */
export function insideNetns(netnsPath: string, argv: readonly string[]): string[] {
  return ['nsenter', `--net=${netnsPath}`, ...argv];
}

/**
 * Opens a TCP connection to a guest. In a namespace a child process does the connecting and relays the bytes; it ends with
 * the stream. Throws a ToolError TEMPORARY that says who did not answer.
 */
export async function dialThroughNetns(
  netnsPath: string | undefined,
  host: string,
  port: number,
  options: DialOptions,
): Promise<Duplex> {
  const opening = netnsPath === undefined ? dialDirectly(host, port) : dialByRelay(netnsPath, host, port);
  const { timeoutMs, signal } = options;
  const giveUp = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  return await new Promise<Duplex>((resolve, reject) => {
    const onAbort = () => {
      opening.stream.destroy();
      reject(signal?.aborted ? signal.reason : failure(host, port, `no answer within ${timeoutMs / 1000} s`));
    };
    giveUp.addEventListener('abort', onAbort, { once: true });
    opening.ready.then(
      () => {
        giveUp.removeEventListener('abort', onAbort);
        resolve(opening.stream);
      },
      (error: unknown) => {
        giveUp.removeEventListener('abort', onAbort);
        opening.stream.destroy();
        reject(failure(host, port, messageOf(error), error));
      },
    );
  });
}

interface Opening {
  readonly stream: Duplex;
  readonly ready: Promise<void>;
}

function failure(host: string, port: number, why: string, cause?: unknown): ToolError {
  return new ToolError('TEMPORARY', `${host} port ${port} cannot be reached: ${why}`, { cause });
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
  const [command = '', ...args] = insideNetns(netnsPath, [process.execPath, relay, host, String(port)]);
  const child = openPipe([command, ...args]);
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString('utf8');
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.once('readable', () => {
      if (child.stdout.read(1) !== null) resolve();
    });
    child.once('error', reject);
    child.once('close', (status) =>
      reject(new Error(said.trim() || `the relay ended with status ${status}`)),
    );
  });
  stream.on('error', () => {}); // whoever uses the stream hears of it too; alone it must not end the process
  stream.once('close', () => child.kill());
  return { stream, ready };
}
