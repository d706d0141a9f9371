import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { errnoOf, messageOf } from '../../platform/errors.ts';
import { openPipe } from '../../platform/process.ts';
import { ConnectionLostError } from './errors.ts';
import type { LibvirtUri } from './uri.ts';

export interface DialOptions {
  readonly signal: AbortSignal;
  /** A socket to use instead of those that the URI means. */
  readonly socketPath?: string | undefined;
}

/** Opens the byte stream to the daemon that `uri` means. Throws a ConnectionLostError that names what was tried. */
export async function dial(uri: LibvirtUri, options: DialOptions): Promise<Duplex> {
  if (uri.transport === 'ssh') return dialSsh(uri);
  const named = options.socketPath ?? uri.query.get('socket');
  const paths = named ? [named] : localSockets(uri);
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
  throw new ConnectionLostError(`libvirt does not answer at ${uri.text} (${failures.join('; ')})`, {
    hints: [
      'start the daemon (systemctl start libvirtd), or give another URI',
      'reading its socket takes root or the group libvirt',
    ],
  });
}

function reasonOf(error: unknown): string {
  const known: Record<string, string> = {
    ENOENT: 'no such socket',
    ECONNREFUSED: 'nobody listens',
    EACCES: 'permission denied',
  };
  return known[errnoOf(error) ?? ''] ?? messageOf(error);
}

/** The monolithic daemon's socket and the modular one's; a system has one of them. */
function localSockets(uri: LibvirtUri): string[] {
  const names = ['libvirt-sock', `virt${uri.driver}d-sock`];
  if (uri.path.startsWith('/system')) return names.map((name) => join('/var/run/libvirt', name));
  const runtime = process.env.XDG_RUNTIME_DIR ?? join(homedir(), '.cache');
  return names.map((name) => join(runtime, 'libvirt', name)).filter((path) => existsSync(path));
}

async function dialSocket(path: string, signal: AbortSignal): Promise<Duplex> {
  return await new Promise<Duplex>((resolve, reject) => {
    const socket = connect({ path });
    const abort = () => socket.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      signal.removeEventListener('abort', abort);
      resolve(socket);
    });
  });
}

/** libvirt's helper on the other machine connects its stdin and stdout with that machine's daemon. */
function dialSsh(uri: LibvirtUri): Duplex {
  const keyfile = uri.query.get('keyfile');
  return dialHelper([
    'ssh',
    '-T',
    '-e',
    'none',
    '-o',
    'BatchMode=yes',
    ...(uri.query.get('no_verify') === '1' ? ['-o', 'StrictHostKeyChecking=no'] : []),
    ...(keyfile ? ['-i', keyfile] : []),
    ...(uri.port === undefined ? [] : ['-p', String(uri.port)]),
    ...(uri.user === undefined ? [] : ['-l', uri.user]),
    '--',
    (uri.host as string).replace(/^\[|\]$/g, ''),
    'virt-ssh-helper',
    uri.name,
  ]);
}

/** A child whose stdin and stdout are the stream; what it says on stderr explains why it ended. */
function dialHelper(argv: readonly [string, ...string[]]): Duplex {
  const child = openPipe(argv);
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said = `${said}${piece.toString('utf8')}`.slice(-2_000);
  });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  const ended = (why: string) => {
    const words = said.trim();
    stream.destroy(
      new ConnectionLostError(`${argv.join(' ')}: ${words === '' ? why : words}`, {
        hints: helperHints(argv),
      }),
    );
  };
  child.once('error', (error) => ended(error.message));
  child.once('close', (code) => ended(`ended with status ${code}`));
  stream.once('close', () => child.kill());
  return stream;
}

function helperHints(argv: readonly string[]): string[] {
  if (argv[0] !== 'ssh') return ['install libvirt-daemon-system, which brings virt-ssh-helper and libvirtd'];
  return [
    'try the same ssh command by hand: it has to log in without a question',
    'the other machine needs virt-ssh-helper (libvirt 6.8 or later)',
  ];
}
