/**
 * What `ip` printed on a machine with a LAN, a VPN and a container network's routes (recorded), printed again by a script; and the
 * addresses of one with an interface that is down.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { inspectHostRange, pickFreeRange, rangesOverlap } from '../../../../src/host/findings/index.ts';

const recordings = join(import.meta.dirname, '../../../fixtures/transcripts/ip');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-ranges-'));
  await printing(`case "$*" in
    "-json -4 route show table all") cat ${recordings}/json-4-route-show-table-all-iproute2-6.1.0.txt ;;
    "-json -4 address show") cat ${recordings}/json-4-address-show-iproute2-6.1.0.txt ;;
    *) exit 1 ;;
  esac`);
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function printing(script: string): Promise<void> {
  await writeFile(join(folder, 'ip'), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'ip'), 0o755);
}

describe('a range is taken by', () => {
  test.each([
    ['the network of an interface', '10.20.0.0/16', 'the route 10.20.0.0/16 (br0)'],
    ['a network around it', '10.20.30.0/24', 'the route 10.20.0.0/16 (br0)'],
    ['a network in it', '192.168.151.0/24', 'the route 192.168.151.64/26 (br0)'],
    ['an address of this machine that has no network', '192.168.150.0/24', 'the route 192.168.150.7 (tun0)'],
    ['a route to one host', '192.0.2.0/24', 'the route 192.0.2.1 (tun0)'],
    ['a route of another table', '192.168.157.0/24', 'the route 192.168.156.0/23 (tun0)'],
    ['a route of several hops', '192.168.154.0/24', 'the route 192.168.154.0/24 (br0)'],
    ['what is to vanish', '192.168.152.0/24', 'the route 192.168.152.0/24 (blackhole)'],
    ['what is to be refused', '192.168.153.0/24', 'the route 192.168.153.0/24 (unreachable)'],
    ['an interface that is down', '192.168.160.0/25', 'the address 192.168.160.9/24 (wwan0)'],
    ['this machine itself', '127.0.5.0/24', 'the route 127.0.0.0/8 (lo)'],
  ])('%s', async (_, cidr, what) => {
    expect(await inspectHostRange(cidr, 'virbr7')).toBe(what);
  });
});

test.each([
  ['the default route, and a VPN’s two halves of it', '203.0.113.0/24'],
  ['its neighbours', '10.21.0.0/24'],
  ['the rest of a network of which a part is routed', '192.168.151.128/25'],
])('a range is not taken by %s', async (_, cidr) => {
  expect(await inspectHostRange(cidr, 'virbr7')).toBeUndefined();
});

test('routes over the environment’s own bridge are no conflict', async () => {
  expect(await inspectHostRange('172.30.1.0/24', 'tun0')).toBeUndefined();
  expect(await inspectHostRange('172.30.1.0/24', 'br0')).toBe('the route 172.30.1.0/24 (tun0)');
});

test('the range that is picked is the first that neither routes nor other environments touch', async () => {
  expect(await pickFreeRange([])).toBe('192.168.155.0/24');
  expect(await pickFreeRange(['192.168.155.128/25', '192.168.158.0/24'])).toBe('192.168.159.0/24');
});

test('a machine without routes has every range free', async () => {
  await printing('');
  expect(await pickFreeRange([])).toBe('192.168.150.0/24');
});

test('where all are taken, the person has to choose', async () => {
  await printing(`case "$*" in *route*) echo '[{"dst":"192.168.0.0/16","dev":"wg0"}]' ;; esac`);
  await expect(pickFreeRange([])).rejects.toMatchObject({ name: 'UserError', code: 'ADDRESS_CONFLICT' });
});

test.each([
  ['10.0.0.0/8', '10.255.0.0/16', true],
  ['10.0.0.0/24', '10.0.1.0/24', false],
  ['10.0.0.7/24', '10.0.0.200', true],
  ['0.0.0.0/0', '255.255.255.255/32', true],
  ['255.255.255.0/24', '0.0.0.0/24', false],
])('%s and %s overlap: %s', (a, b, answer) => {
  expect([rangesOverlap(a, b), rangesOverlap(b, a)]).toEqual([answer, answer]);
});
