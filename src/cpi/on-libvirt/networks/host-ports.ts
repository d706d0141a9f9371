import type { PortForward } from './port-forwards.ts';

const listening = '0A';

/** The first of a forward's ports that a program of the host's listens on, by /proc/net/tcp and tcp6, or udp and udp6. */
export function portInUse(sockets: string, { protocol, first, last }: PortForward): number | undefined {
  for (const line of sockets.split('\n')) {
    const [, address = '', port = '', state] =
      /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line) ?? [];
    const number = Number.parseInt(port, 16);
    if (
      number >= first &&
      number <= last &&
      !isLoopback(address) &&
      (protocol === 'udp' || state === listening)
    )
      return number;
  }
  return undefined;
}

/** Nobody outside asks there; the kernel writes each four bytes in the machine's own order. */
const isLoopback = (hex: string): boolean =>
  hex.length === 8 ? hex.endsWith('7F') : hex === '00000000000000000000000001000000';
