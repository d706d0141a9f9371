import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { which } from '../../platform/process.ts';

/** A domain whose names one network's dnsmasq answers, all with one address. */
export interface NetworkDomain {
  readonly environment: string;
  readonly domain: string;
  /** Where that dnsmasq listens: the host's end of the network. */
  readonly gateway: string;
  readonly bridge: string;
  /** What it answers. */
  readonly address: string;
}

/** What asks for names on this machine. */
export type Resolver = 'systemd-resolved' | 'networkmanager-dnsmasq' | 'dnsmasq' | 'file';

/** Who is asked on this machine, by what lies in its file system (`root` of it). */
export async function findResolver(root = '/'): Promise<Resolver> {
  const servers = await text(join(root, 'etc/resolv.conf'));
  const names = await text(join(root, 'etc/nsswitch.conf'));
  if (/^nameserver\s+127\.0\.0\.5[34]\b/m.test(servers) || /^hosts:.*\bresolve\b/m.test(names))
    return 'systemd-resolved';
  if (!/^nameserver\s+127\./m.test(servers)) return 'file';
  if (await hasDnsOfNetworkManager(root)) return 'networkmanager-dnsmasq';
  return (await which('dnsmasq')) ? 'dnsmasq' : 'file';
}

async function hasDnsOfNetworkManager(root: string): Promise<boolean> {
  const folder = join(root, 'etc/NetworkManager');
  const parts = await readdir(join(folder, 'conf.d')).catch(() => []);
  const files = [join(folder, 'NetworkManager.conf'), ...parts.map((name) => join(folder, 'conf.d', name))];
  const texts = await Promise.all(files.map(text));
  return texts.some((each) => /^\s*dns\s*=\s*dnsmasq\s*$/m.test(each));
}

const text = async (path: string): Promise<string> => await readFile(path, 'utf8').catch(() => '');

/** Names that a Cloud Foundry is asked for first; a hosts file knows no wildcard. */
const usualNames = ['api', 'uaa', 'login', 'log-cache', 'log-stream', 'doppler', 'ssh'];

/** The command, for root, after which this machine asks the network's dnsmasq for the domain's names. */
export function resolverCommand(
  resolver: Resolver,
  { environment, domain, gateway, bridge, address }: NetworkDomain,
): string {
  const server = `echo server=/${domain}/${gateway}`;
  switch (resolver) {
    case 'systemd-resolved': // until the network stops
      return `resolvectl dns ${bridge} ${gateway} && resolvectl domain ${bridge} '~${domain}' && resolvectl dnssec ${bridge} no`;
    case 'networkmanager-dnsmasq':
      return `${server} > /etc/NetworkManager/dnsmasq.d/boshvirt-${environment}.conf && nmcli general reload`;
    case 'dnsmasq':
      return `${server} > /etc/dnsmasq.d/boshvirt-${environment}.conf && systemctl restart dnsmasq`;
    case 'file':
      return `echo '${address} ${usualNames.map((name) => `${name}.${domain}`).join(' ')}' >> /etc/hosts`;
  }
}
