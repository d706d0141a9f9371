import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { errnoOf, messageOf } from '../../platform/errors.ts';
import { commandLine, openPipe } from '../../platform/process.ts';
import { ChildStream } from './child-stream.ts';
import { ConnectionLostError } from './errors.ts';
import { sshPrefix } from './ssh.ts';
import type { LibvirtUri } from './uri.ts';

export interface DialOptions {
  readonly signal: AbortSignal;
  /** A socket to use instead of those that the URI means. */
  readonly socketPath?: string | undefined;
  readonly readonly: boolean;
}

/** Opens the byte stream to the daemon that `uri` means. Throws a ConnectionLostError that names what was tried. */
export async function dial(uri: LibvirtUri, options: DialOptions): Promise<Duplex> {
  if (uri.transport === 'ssh' && options.socketPath === undefined) return dialSsh(uri, options.readonly);
  const named = options.socketPath ?? uri.query.get('socket');
  const paths = named ? [named] : localSockets(uri, options.readonly);
  const failures: string[] = [];
  for (const path of paths) {
    try {
      return await dialSocket(path, options.signal);
    } catch (error) {
      options.signal.throwIfAborted();
      failures.push(`${path}: ${reasonOf(error)}`);
    }
  }
  // a session daemon starts on demand: the helper does what libvirt's own client would
  if (!named && uri.path.startsWith('/session')) return dialHelper(['virt-ssh-helper', uri.name]);
  const start = 'start the daemon (systemctl start libvirtd), or give another URI';
  const rights =
    'using its socket takes root or the group libvirt (usermod -aG libvirt USER, then log in again)';
  const isForbidden = failures.some((failure) => failure.endsWith(forbidden));
  throw new ConnectionLostError(`libvirt does not answer at ${uri.text} (${failures.join('; ')})`, {
    hints: isForbidden ? [rights] : [start, rights],
  });
}

const forbidden = 'permission denied';

function reasonOf(error: unknown): string {
  const known: Record<string, string> = {
    ENOENT: 'no such socket',
    ECONNREFUSED: 'nobody listens',
    EACCES: forbidden,
  };
  return known[errnoOf(error) ?? ''] ?? messageOf(error);
}

/**
 * The monolithic daemon's socket and the modular one's; a machine has one of them. A system's read-only socket is open to
 * users that may not use the other one.
 */
function localSockets(uri: LibvirtUri, readonly: boolean): string[] {
  const names = ['libvirt-sock', `virt${uri.driver}d-sock`];
  if (!uri.path.startsWith('/session')) {
    return names.map((name) => join('/var/run/libvirt', readonly ? `${name}-ro` : name));
  }
  const { XDG_RUNTIME_DIR, XDG_CACHE_HOME } = process.env;
  const runtime = XDG_RUNTIME_DIR || XDG_CACHE_HOME || join(homedir(), '.cache'); // as GLib chooses for libvirt
  return names.map((name) => join(runtime, 'libvirt', name)).filter((path) => existsSync(path));
}

async function dialSocket(path: string, signal: AbortSignal): Promise<Duplex> {
  const socket = connect({ path });
  const giveUp = () => socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await once(socket, 'connect');
    return socket;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** libvirt's helper on the other machine connects its stdin and stdout with that machine's daemon. */
function dialSsh(uri: LibvirtUri, readonly: boolean): Duplex {
  return dialHelper([
    ...sshPrefix(uri),
    'virt-ssh-helper',
    ...(readonly ? ['-r'] : []),
    `'${uri.name.replaceAll("'", "'\\''")}'`, // the other machine's shell reads it
  ]);
}

function dialHelper(argv: readonly [string, ...string[]]): Duplex {
  return new ChildStream(openPipe(argv), commandLine(argv), helperHints(argv));
}

function helperHints(argv: readonly string[]): string[] {
  if (argv[0] !== 'ssh')
    return [
      'install libvirt-daemon-system, which brings virt-ssh-helper and libvirtd',
      'root has no session of its own: use qemu:///system',
    ];
  return [
    'try the same ssh command by hand: it has to log in without a question',
    'the other machine needs virt-ssh-helper (libvirt 6.8 or later)',
  ];
}
