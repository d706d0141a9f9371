import { expect, test } from 'vitest';
import { vmPorts } from '../../../../../src/cpi/on-libvirt/networks/port-properties.ts';

const read = (...ports: object[]) => vmPorts({ ports });

test('ports are single ones or ranges, with a protocol', () => {
  expect(
    read(
      { host: 8080, guest: 80 },
      { host: '1024-1123', protocol: 'udp' },
      { host: '53' },
      { host: 22, guest: 22 },
    ),
  ).toEqual([
    { protocol: 'tcp', host: { first: 8080, last: 8080 }, guest: 80 },
    { protocol: 'udp', host: { first: 1024, last: 1123 }, guest: undefined },
    { protocol: 'tcp', host: { first: 53, last: 53 }, guest: undefined },
    { protocol: 'tcp', host: { first: 22, last: 22 }, guest: undefined },
  ]);
  expect(vmPorts({})).toEqual([]);
});

test('what is written for the Warden CPI means the same', () => {
  expect(read({ host: '8080', container: '80' }, { host: '1-9', container: '1-9', protocol: 'tcp' })).toEqual(
    [
      { protocol: 'tcp', host: { first: 8080, last: 8080 }, guest: 80 },
      { protocol: 'tcp', host: { first: 1, last: 9 }, guest: undefined },
    ],
  );
});

test('faults are told by their place', () => {
  const at = (port: object) => () => read({ host: 1 }, port);
  for (const host of [0, 65536, '0', '9-8', '8-', '1-65536', 'x', 1.5])
    expect(at({ host })).toThrow('cloud_properties.ports.1.host: ');
  for (const container of [0, '9-8', 'x'])
    expect(at({ host: 1, container })).toThrow('cloud_properties.ports.1.container: ');
  expect(at({ host: '1-2', guest: 3 })).toThrow('cloud_properties.ports.1.guest: a range ');
  expect(at({ host: '1-2', container: '3-4' })).toThrow('cloud_properties.ports.1.container: a range ');
  expect(at({ host: 1, container: '3-4' })).toThrow('cloud_properties.ports.1.container: a range ');
  expect(at({ host: 1, guest: 2, container: 2 })).toThrow(
    'cloud_properties.ports.1.container: means the same',
  );
  expect(at({ host: 1, prot: 'tcp' })).toThrow('cloud_properties.ports.1');
  expect(() => vmPorts({ ports: ['22/tcp'] })).toThrow('cloud_properties.ports.0: ');
  expect(() => vmPorts({ ports: { host: 1 } })).toThrow('cloud_properties.ports: ');
});
