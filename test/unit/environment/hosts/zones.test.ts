import { expect, test } from 'vitest';
import { type CloudConfig, cpiConfigOf, spreadZones } from '../../../../src/environment/hosts/zones.ts';

const zones = (...names: string[]) => names.map((name) => ({ name }));
const network = (azs: string[]) => ({
  name: 'default',
  type: 'manual',
  subnets: [{ azs, range: '10.0.0.0/24' }],
});
const config = {
  azs: zones('z1', 'z2', 'z3'),
  networks: [network(['z1', 'z2', 'z3']), { name: 'none', type: 'vip' }],
  vm_types: [{ name: 'default' }],
};
const spread = (hosts: string[], occupied: string[] = [], from: CloudConfig = config) =>
  spreadZones(from, { hosts, occupied: new Set(occupied) });
const placed = (result: ReturnType<typeof spread>) =>
  Object.fromEntries((result.azs ?? []).map(({ name, cpi }) => [name, cpi]));

test('zones go round the hosts, and all else stays', () => {
  const result = spread(['first', 'box']);
  expect(placed(result)).toEqual({ z1: 'first', z2: 'box', z3: 'first' });
  expect({ ...result, azs: config.azs }).toEqual(config);
});

test('spread again nothing changes', () => {
  const once = spread(['first', 'box', 'third']);
  expect(spread(['first', 'box', 'third'], [], once)).toEqual(once);
  expect(spread(['first', 'box', 'third'], ['z1', 'z3'], once)).toEqual(once);
});

test('a zone with VMs stays where they are: their disks cannot follow', () => {
  expect(placed(spread(['first', 'box'], ['z1', 'z2']))).toEqual({ z1: 'first', z2: 'first', z3: 'box' });
});

test('a third host takes a free zone from the one that has two', () => {
  const before = spread(['first', 'box']);
  const hosts = ['first', 'box', 'third'];
  expect(placed(spread(hosts, ['z1', 'z2'], before))).toEqual({ z1: 'first', z2: 'box', z3: 'third' });
  expect(placed(spread(hosts, ['z3'], before))).toEqual({ z1: 'third', z2: 'box', z3: 'first' });
});

test('what a person has said of a zone stays', () => {
  const theirs = { azs: [{ name: 'a', cpi: 'box' }, { name: 'b', cpi: 'box' }, { name: 'c' }] };
  expect(placed(spread(['first', 'box'], [], theirs))).toEqual({ a: 'box', b: 'box', c: 'first' });
});

test('where all zones have VMs a host gets a zone of its own, in all networks that have all others', () => {
  const more = { ...config, networks: [...config.networks, network(['z1'])] };
  const result = spread(['first', 'box'], ['z1', 'z2', 'z3'], more);
  expect(placed(result)).toEqual({ z1: 'first', z2: 'first', z3: 'first', z4: 'box' });
  expect(result.networks).toMatchObject([
    { subnets: [{ azs: ['z1', 'z2', 'z3', 'z4'], range: '10.0.0.0/24' }] },
    { name: 'none' },
    { subnets: [{ azs: ['z1'] }] },
  ]);
});

test('a host that is gone gives its zones up, also one with VMs: they are gone with it', () => {
  const before = spread(['first', 'box']);
  expect(placed(spread(['first'], ['z1', 'z2'], before))).toEqual({ z1: 'first', z2: 'first', z3: 'first' });
});

test('a config without zones gets one for each host', () => {
  expect(placed(spread(['first', 'box'], [], { azs: null }))).toEqual({ z1: 'first', z2: 'box' });
});

test('the cpi-config names hosts and nothing else of theirs; what was there before is the first’s', () => {
  expect(cpiConfigOf(['box'])).toEqual({
    cpis: [
      { name: 'first', type: 'boshvirt', migrated_from: [{ name: '' }], properties: {} },
      { name: 'box', type: 'boshvirt', properties: { boshvirt_host: 'box' } },
    ],
  });
});
