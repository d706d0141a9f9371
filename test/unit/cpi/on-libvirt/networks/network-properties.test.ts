import { expect, test } from 'vitest';
import { parseNetworkProperties } from '../../../../../src/cpi/on-libvirt/networks/network-properties.ts';
import { lineLog, silentLog } from '../../../../../src/platform/log.ts';

const parse = (properties: object) =>
  parseNetworkProperties('n', properties as Record<string, unknown>, silentLog);

test('a network’s name is text, or not given', () => {
  expect(parse({ name: 'virbr' })).toMatchObject({ name: 'virbr', mode: undefined });
  expect(parse({})).toMatchObject({ name: '', bridge: '' });
  expect(() => parse({ name: ['a'] })).toThrow('networks.n.cloud_properties.name: ');
});

test('a mode is one of four, and a bridge belongs to its mode', () => {
  expect(parse({ mode: 'isolated' }).mode).toBe('isolated');
  expect(parse({ mode: 'bridge', bridge: 'br0' })).toMatchObject({ mode: 'bridge', bridge: 'br0' });
  expect(() => parse({ mode: 'open' })).toThrow('networks.n.cloud_properties.mode: ');
  expect(() => parse({ mode: 'bridge' })).toThrow('networks.n.cloud_properties.bridge: ');
  expect(() => parse({ mode: 'nat', bridge: 'br0' })).toThrow('networks.n.cloud_properties.bridge: ');
  expect(() => parse({ mode: 'bridge', bridge: 'br0', name: 'x' })).toThrow(
    'networks.n.cloud_properties.name: ',
  );
});

test('ports are single ones or ranges, with a protocol', () => {
  const ports = [{ host: 8080, guest: 80 }, { host: '1024-1123', protocol: 'udp' }, { host: '53' }];
  expect(parse({ ports }).ports).toEqual([
    { protocol: 'tcp', host: { first: 8080, last: 8080 }, guest: 80 },
    { protocol: 'udp', host: { first: 1024, last: 1123 }, guest: undefined },
    { protocol: 'tcp', host: { first: 53, last: 53 }, guest: undefined },
  ]);
  const at = (port: object) => () => parse({ ports: [{ host: 1 }, port] });
  for (const host of [0, 65536, '0', '9-8', '8-', '1-65536', 'x', 1.5])
    expect(at({ host })).toThrow('networks.n.cloud_properties.ports.1.host: ');
  expect(at({ host: '1-2', guest: 3 })).toThrow('networks.n.cloud_properties.ports.1.guest: ');
  expect(at({ host: 1, prot: 'tcp' })).toThrow('networks.n.cloud_properties.ports.1');
  expect(() => parse({ ports: { host: 1 } })).toThrow('networks.n.cloud_properties.ports: ');
});

test('keys that nobody knows are told and passed over', () => {
  const lines: string[] = [];
  const log = lineLog((line) => lines.push(line));
  expect(parseNetworkProperties('n', { subnet: 'x', name: 'a' }, log).name).toBe('a');
  expect(lines.join('')).toMatch(/network n .*ignored: subnet/);
});
