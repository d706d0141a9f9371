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

test('ports are read, and told by the network’s name', () => {
  expect(parse({ ports: [{ host: 8080, guest: 80 }] }).ports).toEqual([
    { protocol: 'tcp', host: { first: 8080, last: 8080 }, guest: 80 },
  ]);
  expect(() => parse({ ports: [{ host: 1 }, { host: 0 }] })).toThrow(
    'networks.n.cloud_properties.ports.1.host: ',
  );
  expect(() => parse({ ports: { host: 1 } })).toThrow('networks.n.cloud_properties.ports: ');
});

test('keys that nobody knows are told and passed over', () => {
  const lines: string[] = [];
  const log = lineLog((line) => lines.push(line));
  expect(parseNetworkProperties('n', { subnet: 'x', name: 'a' }, log).name).toBe('a');
  expect(lines.join('')).toMatch(/network n .*ignored: subnet/);
});
