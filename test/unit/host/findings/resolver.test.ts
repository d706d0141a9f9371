/** Who is asked for names on a machine, by files as Debian, Ubuntu and NetworkManager write them, and the command that tells it of a domain. */
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findResolver, resolverCommand } from '../../../../src/host/findings/resolver.ts';

async function rootWith(files: Readonly<Record<string, string>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'bv-resolver-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), text);
  }
  return folder;
}

const plugin = '[main]\nplugins=ifupdown,keyfile\ndns=dnsmasq\n';

test.each([
  ['Ubuntu’s stub', { 'etc/resolv.conf': '# x\nnameserver 127.0.0.53\noptions edns0\n' }, 'systemd-resolved'],
  [
    'nss-resolve',
    { 'etc/nsswitch.conf': 'hosts: files resolve [!UNAVAIL=return] dns\n' },
    'systemd-resolved',
  ],
  ['servers of the network', { 'etc/resolv.conf': 'nameserver 192.168.1.1\n' }, 'file'],
  ['nothing', {}, 'file'],
  [
    'NetworkManager’s dnsmasq',
    { 'etc/resolv.conf': 'nameserver 127.0.0.1\n', 'etc/NetworkManager/conf.d/dns.conf': plugin },
    'networkmanager-dnsmasq',
  ],
  [
    'NetworkManager’s, in its main file',
    { 'etc/resolv.conf': 'nameserver 127.0.0.1\n', 'etc/NetworkManager/NetworkManager.conf': plugin },
    'networkmanager-dnsmasq',
  ],
  [
    'NetworkManager without it',
    { 'etc/resolv.conf': 'nameserver 192.168.1.1\n', 'etc/NetworkManager/NetworkManager.conf': plugin },
    'file',
  ],
])('%s', async (_, files, resolver) => {
  await using root = await rootWith(files);
  expect(await findResolver(root.path)).toBe(resolver);
});

const domain = {
  environment: 'work',
  domain: 'bosh.test',
  gateway: '192.168.150.1',
  bridge: 'bv-work',
  address: '10.244.0.34',
};

test.each([
  ['systemd-resolved', /^resolvectl dns bv-work 192\.168\.150\.1 && resolvectl domain bv-work '~bosh\.test'/],
  [
    'networkmanager-dnsmasq',
    /^echo server=\/bosh\.test\/192\.168\.150\.1 > \/etc\/NetworkManager\/dnsmasq\.d\/boshvirt-work\.conf && /,
  ],
  ['dnsmasq', /^echo server=\/bosh\.test\/192\.168\.150\.1 > \/etc\/dnsmasq\.d\/boshvirt-work\.conf && /],
  ['file', /^echo '10\.244\.0\.34 api\.bosh\.test uaa\.bosh\.test .*' >> \/etc\/hosts$/],
] as const)('%s is told in its own way', (resolver, command) => {
  expect(resolverCommand(resolver, domain)).toMatch(command);
});
