/** What a network's XML says of routes and names: recorded of libvirt 9.0, as it prints a network that somebody has added to. */
import { describe, expect, test } from 'vitest';
import { sameWays, waysIn, waysOf, withWays } from '../../../../../src/cpi/on-libvirt/networks/ways.ts';

const recorded = (rest = '') => `<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>
  <name>n1</name>
  <uuid>3e325785-5609-4559-9e34-dc0a76705fda</uuid>
  <metadata>
    <boshvirt:network xmlns:boshvirt="urn:boshvirt:network:1" version="1" environment="x"/>
  </metadata>
  <forward mode='nat'/>
  <bridge name='bv-x' stp='off' delay='0'/>
  <mac address='52:54:00:6d:b5:a5'/>
  <domain name='x.test' localOnly='yes'/>
  <ip address='10.77.1.1' prefix='24'>
    <dhcp>
      <host mac='52:54:00:00:00:07' name='vm-1-qemu-0' ip='10.77.1.200'/>
    </dhcp>
  </ip>
${rest}</network>
`;
const led = recorded(`  <route address='10.244.0.0' prefix='16' gateway='10.77.1.10'/>
  <dnsmasq:options>
    <dnsmasq:option value='server=/corp.test/10.1.2.3'/>
    <dnsmasq:option value='address=/mine.test/192.0.2.7'/>
    <dnsmasq:option value='local=/sys.x/'/>
    <dnsmasq:option value='address=/sys.x/10.244.0.34'/>
    <dnsmasq:option value='local=/lan/'/>
  </dnsmasq:options>
`);
const plan = {
  routes: [{ cidr: '10.244.0.0/16', via: '10.77.1.10' }],
  wildcards: [{ domain: 'sys.x', ip: '10.244.0.34' }],
};

test('what a plan asks for is found in the network that was made from it', () => {
  expect(sameWays(waysIn(led), waysOf(plan))).toBe(true);
  expect(sameWays(waysIn(withWays(recorded(), waysOf(plan))), waysOf(plan))).toBe(true);
  expect(waysIn(recorded())).toEqual({ routes: [], options: [] });
});

test.each([
  ['another range', { ...plan, routes: [{ cidr: '10.245.0.0/16', via: '10.77.1.10' }] }],
  ['another length', { ...plan, routes: [{ cidr: '10.244.0.0/20', via: '10.77.1.10' }] }],
  ['another guest', { ...plan, routes: [{ cidr: '10.244.0.0/16', via: '10.77.1.11' }] }],
  ['no route', { wildcards: plan.wildcards }],
  ['another domain', { ...plan, wildcards: [{ domain: 'sys.y', ip: '10.244.0.34' }] }],
  ['another address', { ...plan, wildcards: [{ domain: 'sys.x', ip: '10.244.0.35' }] }],
  ['no domain', { routes: plan.routes }],
])('%s is a change, after which it is there and the old one is not', (_, other) => {
  const wanted = waysOf(other);
  expect(sameWays(waysIn(led), wanted)).toBe(false);
  expect(waysIn(withWays(led, wanted))).toEqual(wanted);
});

test('a change keeps who the network is, what DHCP keeps for VMs, and options of somebody’s', () => {
  for (const ways of [waysOf({}), waysOf({ wildcards: [{ domain: 'bosh.test', ip: '10.0.0.1' }] })]) {
    const xml = withWays(led, ways);
    for (const kept of ['<uuid>3e325785', "<bridge name='bv-x'", "<mac address='52:54:00:6d", 'vm-1-qemu-0'])
      expect(xml).toContain(kept);
    for (const option of ['server=/corp.test/10.1.2.3', 'address=/mine.test/192.0.2.7', 'local=/lan/'])
      expect(xml).toContain(`value="${option}"`);
    expect(xml).not.toContain('sys.x');
    expect(xml.match(/<dnsmasq:options/g)).toHaveLength(1);
  }
  expect(withWays(recorded(), waysOf({}))).not.toContain('dnsmasq:options');
});

describe('what cannot be is refused before dnsmasq sees it', () => {
  test.each(['10.244.0.0', '10.244.0.1/16', '10.244.0.0/33', 'fd00::/64', ''])('the range %j', (cidr) => {
    expect(() => waysOf({ routes: [{ cidr, via: '10.77.1.10' }] })).toThrow(`'${cidr}' is no IPv4 range`);
  });

  test.each(['sys,x', 'a/b', '.test', 'test.', '-a.test', 'a..b', '', `${'a.'.repeat(127)}ab`])(
    'the domain %j',
    (domain) => {
      expect(() => waysOf({ wildcards: [{ domain, ip: '10.0.0.1' }] })).toThrow(`'${domain}' is no domain`);
    },
  );

  test.each(['sys.x', 'fd00::1', '10.0.0.256', ''])('the address %j', (ip) => {
    expect(() => waysOf({ wildcards: [{ domain: 'sys.x', ip }] })).toThrow(`'${ip}' is no IPv4 address`);
    expect(() => waysOf({ routes: [{ cidr: '10.0.0.0/8', via: ip }] })).toThrow('is no IPv4 address');
  });
});
