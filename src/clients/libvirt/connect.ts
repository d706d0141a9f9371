import { CallTimeoutError, ConnectionLostError, LibvirtError } from './errors.ts';
import { Libvirt } from './libvirt.ts';
import { Rpc } from './rpc.ts';
import { dial } from './transport.ts';
import { type LibvirtUri, parseUri } from './uri.ts';

export interface ConnectOptions {
  /** Gives up connecting when it fires; calls that are under way later are not touched by it. */
  readonly signal?: AbortSignal;
  /** For reaching the daemon, logging in and opening the driver; 15 s unless said. */
  readonly connectTimeoutMs?: number;
  /** For each later call; 10 min unless said, since saving memory to a slow disk takes its time. */
  readonly callTimeoutMs?: number;
  /** A unix socket to use instead of the URI's own. */
  readonly socketPath?: string;
  /** Look, do not touch: libvirt refuses every change. */
  readonly readonly?: boolean;
}

const noAuthentication = 0;
const polkit = 2;
const readOnlyFlag = 1;

/**
 * Opens a connection to a libvirt daemon: `qemu:///system`, `qemu:///session`, `qemu:///system?socket=…`,
 * `qemu+ssh://[user@]host/system`, the same with `lxc`. Throws ConnectionLostError (nobody there), LibvirtError (refused), CallTimeoutError.
 */
export async function connectLibvirt(uri: string, options: ConnectOptions = {}): Promise<Libvirt> {
  const parsed = parseUri(uri);
  const connectTimeoutMs = options.connectTimeoutMs ?? 15_000;
  const deadline = AbortSignal.timeout(connectTimeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  try {
    return await open(parsed, signal, options);
  } catch (error) {
    if (!deadline.aborted || options.signal?.aborted) throw error;
    const hints = parsed.transport === 'ssh' ? ['try ssh to that host by hand'] : undefined;
    throw new CallTimeoutError(`libvirt at ${uri} did not answer within ${connectTimeoutMs / 1000} s`, hints);
  }
}

async function open(uri: LibvirtUri, signal: AbortSignal, options: ConnectOptions): Promise<Libvirt> {
  const socket = await dial(uri, {
    signal,
    socketPath: options.socketPath,
    readonly: options.readonly ?? false,
  });
  const rpc = new Rpc(socket, { callTimeoutMs: options.callTimeoutMs ?? 600_000, peer: uri.text });
  const given = Promise.withResolvers<never>();
  const giveUp = () => given.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([logIn(rpc, uri, options.readonly ?? false), given.promise]);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  rpc.keepAlive();
  return new Libvirt(rpc, uri.text);
}

async function logIn(rpc: Rpc, uri: LibvirtUri, readonly: boolean): Promise<void> {
  const { types } = await rpc.call('authList', {});
  if (types.includes(polkit)) await askPolkit(rpc, uri);
  else if (types.length > 0 && !types.includes(noAuthentication)) {
    throw new ConnectionLostError(
      `libvirt at ${uri.text} asks for a login that this client does not know (${types.join(', ')})`,
    );
  }
  await rpc.call('connectOpen', { name: uri.name, flags: readonly ? readOnlyFlag : 0 });
}

async function askPolkit(rpc: Rpc, uri: LibvirtUri): Promise<void> {
  try {
    await rpc.call('authPolkit', {});
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    throw new ConnectionLostError(`libvirt at ${uri.text} refuses this user: ${error.message}`, {
      cause: error,
      hints: [
        'become a member of the group libvirt (usermod -aG libvirt USER, then log in again), or run as root',
      ],
    });
  }
}
