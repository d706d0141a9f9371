import type { LibvirtUri } from './uri.ts';

/** What an argv begins with that is to run on the machine that a `driver+ssh://` URI leads to; ssh asks no questions. */
export function sshPrefix(uri: LibvirtUri): [string, ...string[]] {
  const keyfile = uri.query.get('keyfile');
  return [
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
  ];
}
