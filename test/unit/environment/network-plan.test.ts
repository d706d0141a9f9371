import { describe, expect, test } from 'vitest';
import { objectNames, planNetwork } from '../../../src/environment/network-plan.ts';
import { checkEnvironmentName } from '../../../src/environment/paths.ts';

describe('planNetwork', () => {
  test('the first address is the host, the tenth the machine', () => {
    expect(planNetwork('10.8.0.0/16')).toEqual({
      cidr: '10.8.0.0/16',
      gateway: '10.8.0.1',
      prefixLength: 16,
      ip: '10.8.0.10',
    });
  });

  test('a machine may have another address', () => {
    expect(planNetwork('192.168.77.32/27', '192.168.77.62').ip).toBe('192.168.77.62');
  });

  test.each([
    ['192.168.77.0', undefined, 'is not an IPv4 range'],
    ['192.168.77.0/28', undefined, 'is not an IPv4 range'],
    ['10.0.0.0/7', undefined, 'is not an IPv4 range'],
    ['300.0.0.0/24', undefined, 'is not an IPv4 range'],
    ['fd00::/64', undefined, 'is not an IPv4 range'],
    ['192.168.77.5/24', undefined, 'does not begin at'],
    ['192.168.77.0/24', '192.168.78.10', 'is not in'],
    ['192.168.77.0/24', 'ten', 'is not an IPv4 address'],
    ['192.168.77.0/24', '192.168.77.1', 'is not free'],
    ['192.168.77.0/24', '192.168.77.0', 'is not free'],
    ['192.168.77.0/24', '192.168.77.255', 'is not free'],
  ])('%s with %s: %s', (cidr, ip, message) => {
    expect(() => planNetwork(cidr, ip)).toThrow(message);
  });
});

test('names fit into what libvirt and the kernel allow', () => {
  expect(objectNames('work')).toEqual({ network: 'boshvirt-work', pool: 'boshvirt-work', bridge: 'bv-work' });
  const long = 'a-very-long-name-for-a-network';
  checkEnvironmentName(long);
  expect(objectNames(long).bridge).toMatch(/^bv-[0-9a-f]{10}$/);
  expect(objectNames(long).bridge).not.toBe(objectNames(`${long}x`).bridge);
});

test.each(['', 'Work', '1st', '-a', 'a/b', '..', 'a b', 'x'.repeat(32)])(
  "'%s' is no environment's name",
  (name) => {
    expect(() => checkEnvironmentName(name)).toThrow('cannot be the name');
  },
);
