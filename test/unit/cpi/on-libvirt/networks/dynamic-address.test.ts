import { expect, test } from 'vitest';
import { chooseDynamicAddress } from '../../../../../src/cpi/on-libvirt/networks/dynamic-address.ts';
import { readHostNetwork } from '../../../../../src/cpi/on-libvirt/networks/host-network.ts';

const xml = (inside: string, forward = '<forward mode="nat"/>') =>
  readHostNetwork(`<network connections='2'><name>n</name>${forward}${inside}</network>`);
const plain = xml('<ip address="10.0.0.1" prefix="29"/>');
const choose = (network = plain, taken: string[] = [], spec = {}, seed = 'vm') =>
  chooseDynamicAddress(network, { type: 'dynamic', ...spec }, new Set(taken), seed);

test('an address of the upper half, with netmask and gateway', () => {
  const { ip, ...rest } = choose();
  expect(['10.0.0.4', '10.0.0.5', '10.0.0.6']).toContain(ip);
  expect(rest).toEqual({ type: 'dynamic', netmask: '255.255.255.248', gateway: '10.0.0.1' });
});

test('each of them once, whatever the seed; then none', () => {
  const taken: string[] = [];
  for (const seed of ['a', 'b', 'c']) taken.push(String(choose(plain, taken, {}, seed).ip));
  expect(taken.sort()).toEqual(['10.0.0.4', '10.0.0.5', '10.0.0.6']);
  expect(() => choose(plain, taken)).toThrow("libvirt's network 'n' has no free dynamic address");
});

test('what DHCP may give, where it gives any', () => {
  const dhcp = '<dhcp><range start="10.0.0.2" end="10.0.0.3"/></dhcp>';
  const network = xml(`<ip address="10.0.0.1" netmask="255.255.255.248">${dhcp}</ip>`);
  expect(choose(network, ['10.0.0.3']).ip).toBe('10.0.0.2');
});

test('the address that the VM had, if it is free', () => {
  expect(choose(plain, [], { ip: '10.0.0.2' }).ip).toBe('10.0.0.2');
  expect(choose(plain, ['10.0.0.2'], { ip: '10.0.0.2' }).ip).not.toBe('10.0.0.2');
  expect(choose(plain, [], { ip: '10.9.0.2' }).ip).toMatch(/^10\.0\.0\.[456]$/);
  expect(choose(plain, [], { ip: '10.0.0.1' }).ip).toMatch(/^10\.0\.0\.[456]$/);
});

test('an isolated network leads nowhere: no gateway', () => {
  expect(choose(xml('<ip address="10.0.0.1" prefix="24"/>', ''))).not.toHaveProperty('gateway');
});

test('where nobody could tell the address, it is not supported', () => {
  expect(() => choose(xml('', '<forward mode="bridge"/>'))).toThrow(/DHCP server of its own/);
  expect(() => choose(xml('<ip family="ipv6" address="fd00::1" prefix="64"/>'))).toThrow(/no IPv4 range/);
});

test('a network is read as libvirt writes it', () => {
  const network = xml(
    `<metadata><boshvirt:network xmlns:boshvirt="urn:boshvirt:network:1" environment="dev"/></metadata>
     <ip address='10.0.0.1' prefix='24'><dhcp><host mac='52:54:00:00:00:01' name='x' ip='10.0.0.9'/></dhcp></ip>`,
    "<forward mode='route'/>",
  );
  expect(network).toMatchObject({
    mode: 'routed',
    environment: 'dev',
    connections: 2,
    reservations: [{ mac: '52:54:00:00:00:01', name: 'x', ip: '10.0.0.9' }],
  });
});
