import { mkdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { setUpNetworks } from '../../../../stemcells/probe/agent/network.ts';
import { parseSettings } from '../../../../stemcells/probe/agent/settings.ts';
import { fakeGuest } from './fake-guest.ts';

const manual = {
  type: 'manual',
  ip: '10.0.0.6',
  netmask: '255.255.255.0',
  gateway: '10.0.0.1',
  dns: ['10.0.0.1', 'no address'],
};

/** Sets up networks on a guest with eth0 and eth1; gives the commands and the guest's resolv.conf. */
async function setUp(networks: object, macs: readonly string[] = ['52:54:00:00:00:01', '52:54:00:00:00:02']) {
  await using guest = await fakeGuest({ 'sys/class/net/lo/address': '00:00:00:00:00:00\n' });
  for (const [index, mac] of macs.entries()) {
    await guest.add(`sys/class/net/eth${index}/address`, `${mac}\n`);
    await mkdir(guest.at(`sys/class/net/eth${index}/device`));
  }
  const commands: string[] = [];
  const settings = parseSettings(JSON.stringify({ agent_id: 'a', networks }));
  const run = async (argv: readonly string[]) => {
    commands.push(argv.join(' '));
    return '';
  };
  await setUpNetworks(settings.networks, guest.places, run, () => {});
  const resolv = await readFile(guest.at('etc/resolv.conf'), 'utf8').catch(() => undefined);
  return { commands, resolv };
}

test('each network goes to the interface with its MAC; the default gateway is that of the network that is told so', async () => {
  const { commands, resolv } = await setUp({
    a: { ...manual, mac: '52:54:00:00:00:02', default: ['dns', 'gateway'] },
    b: { ...manual, ip: '10.1.0.6', gateway: '10.1.0.1', mac: '52:54:00:00:00:01', dns: ['9.9.9.9'] },
  });
  expect(commands.filter((command) => !command.includes('flush'))).toEqual([
    'ip link set eth1 up',
    'ip addr add 10.0.0.6/24 dev eth1',
    'ip route replace default via 10.0.0.1 dev eth1',
    'ip link set eth0 up',
    'ip addr add 10.1.0.6/24 dev eth0',
  ]);
  expect(resolv).toBe('nameserver 10.0.0.1\n');
});

test('the only network takes the only interface without a MAC', async () => {
  const { commands } = await setUp({ a: manual }, ['52:54:00:00:00:01']);
  expect(commands).toContain('ip route replace default via 10.0.0.1 dev eth0');
});

test('networks of a nic_group share a device: it is cleaned once, and each family has its default route', async () => {
  const mac = '52:54:00:00:00:01';
  const { commands } = await setUp({
    a: { ...manual, mac, nic_group: '1', default: ['dns', 'gateway'] },
    b: { ip: 'fd00::6', prefix: '64', gateway: 'fd00::1', mac, nic_group: '1', default: ['gateway'] },
    c: { ip: '10.0.0.7', netmask: '255.255.255.0', mac, nic_group: '1' },
  });
  expect(commands.filter((command) => !command.startsWith('ip link'))).toEqual([
    'ip addr flush dev eth0',
    'ip addr add 10.0.0.6/24 dev eth0',
    'ip route replace default via 10.0.0.1 dev eth0',
    'ip addr add fd00::6/64 dev eth0',
    'ip -6 route replace default via fd00::1 dev eth0',
    'ip addr add 10.0.0.7/24 dev eth0',
  ]);
});

test('what DHCP says of routes counts only where no other network has the gateway', async () => {
  const dynamic = { type: 'dynamic', mac: '52:54:00:00:00:02' };
  const withGateway = { ...manual, mac: '52:54:00:00:00:01', default: ['gateway'] };
  const { commands } = await setUp({ a: withGateway, b: dynamic });
  expect(commands.at(-1)).toMatch(/no_routes=1 .*udhcpc .* eth1$/);
  const alone = await setUp({ b: { ...dynamic, default: ['gateway'] } });
  expect(alone.commands.at(-1)).not.toContain('no_routes');
});

test('a dynamic network asks DHCP, a vip or a preconfigured one needs nothing', async () => {
  const { commands } = await setUp({
    a: { type: 'dynamic', mac: '52:54:00:00:00:01' },
    b: { type: 'vip', ip: '1.2.3.4' },
    c: { ...manual, preconfigured: true },
  });
  expect(commands).toHaveLength(3);
  expect(commands[2]).toMatch(/udhcpc .* eth0$/);
});

test('a MAC that no device has is an error with what is there', async () => {
  await expect(setUp({ a: { ...manual, mac: '52:54:00:00:00:99' } })).rejects.toThrow(
    /no device found for network a with MAC 52:54:00:00:00:99; devices: eth0 52:54:00:00:00:01, eth1/,
  );
});
