import { UserError } from '../../platform/errors.ts';

/** A libvirt URI taken apart: `driver[+transport]://[user@][host][:port]/path[?key=value]`. */
export interface LibvirtUri {
  readonly text: string;
  readonly driver: string;
  readonly transport: 'unix' | 'ssh';
  readonly user: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string;
  /** `socket`, `keyfile`, `no_verify`, `mode`, … */
  readonly query: URLSearchParams;
  /** What the daemon is asked to open: the URI without the way to it. */
  readonly name: string;
}

const pattern =
  /^([a-z]+)(?:\+([a-z0-9]+))?:\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/?]*)(?::(\d+))?([^?]*)(?:\?(.*))?$/;

/** Parameters of libvirt's own client that lead past virt-ssh-helper. */
const otherWays = ['socket', 'netcat', 'command'];

/** Throws a UserError for what is no libvirt URI or names a transport that this client does not speak. */
export function parseUri(text: string): LibvirtUri {
  const match = pattern.exec(text);
  if (!match) throw wrong(text, 'it is not of the form driver[+transport]://[user@][host]/path');
  const [, driver = '', transportName, user, host = '', port, path = '', query = ''] = match;
  const transport = transportName ?? (host === '' ? 'unix' : 'tls');
  if (transport !== 'unix' && transport !== 'ssh')
    throw wrong(text, `the transport ${transport} is not supported`);
  if (transport === 'ssh' && host === '') throw wrong(text, 'it names no host');
  if (path === '' || path === '/') throw wrong(text, 'it names no instance');
  const parameters = new URLSearchParams(query);
  const other = transport === 'ssh' ? otherWays.find((name) => parameters.has(name)) : undefined;
  if (other) throw wrong(text, `its parameter ${other} is not supported; virt-ssh-helper finds the daemon`);
  return {
    text,
    driver,
    transport,
    user: user ? decoded(user, text) : undefined,
    host: host || undefined,
    port: port === undefined ? undefined : Number(port),
    path,
    query: parameters,
    name: `${driver}://${path}`,
  };
}

function decoded(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong(text, `'${part}' has a % that begins no character`);
  }
}

function wrong(text: string, why: string): UserError {
  return new UserError('USAGE', `The libvirt URI '${text}' cannot be used: ${why}`, {
    hints: [
      'examples: qemu:///system, qemu:///session, lxc:///system, qemu:///system?socket=/path, qemu+ssh://user@host/system',
    ],
  });
}
