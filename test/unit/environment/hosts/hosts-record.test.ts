import { mkdtempDisposable, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepHost, readHosts, writeHosts } from '../../../../src/environment/hosts/hosts-record.ts';
import { cpiHosts, needsMachinesNetwork } from '../../../../src/environment/hosts/open-host.ts';
import { checkHostName, planSshHost } from '../../../../src/environment/hosts/plan-host.ts';
import { checkEnvironmentName, environmentPaths } from '../../../../src/environment/paths.ts';

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
beforeEach(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-hosts-'));
  vi.stubEnv('XDG_DATA_HOME', folder.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

const facts = {
  name: 'box',
  uri: 'qemu+ssh://root@box/system',
  backend: 'qemu',
  options: { accel: 'tcg' },
  near: '10.0.0.1',
  far: '10.0.0.2',
  underlay: 'machine',
  port: 4789,
} as const;
const path = () => join(environmentPaths('work').folder, 'hosts.yml');

test('what was planned is read again, private to the user; of no hosts there is no file', async () => {
  const record = await readHosts('work');
  expect(record.hosts).toEqual([]);
  const host = planSshHost('work', record.id, facts);
  await keepHost('work', record, host);
  expect((await stat(path())).mode & 0o777).toBe(0o600);
  expect(await readHosts('work')).toEqual({ ...record, hosts: [host] });
  await keepHost('work', await readHosts('work'), { ...host, phase: 'joined' });
  expect((await readHosts('work')).hosts).toEqual([{ ...host, phase: 'joined' }]);
  expect(await needsMachinesNetwork('work')).toBe(true);
  await writeHosts('work', { ...record, hosts: [] });
  await expect(stat(path())).rejects.toThrow('ENOENT');
});

test('names on the other machine are not those of an environment of its own, and fit', () => {
  const host = planSshHost('work', 'ab12cd', facts);
  expect(host.environment).toMatch(/^work-[0-9a-f]{6}$/);
  const name = `boshvirt-${host.environment}`;
  expect(host).toMatchObject({
    phase: 'joining',
    network: { name },
    pool: { name, path: `/var/lib/libvirt/${name}` },
    tunnel: { near: '10.0.0.1', far: '10.0.0.2', port: 4789 },
  });
  expect(host.network.bridge.length).toBeLessThanOrEqual(15);
  expect(host.tunnel.device.length).toBeLessThanOrEqual(15);
  const other = planSshHost('work', 'ab12cd', { ...facts, name: 'other' });
  // or two names for one machine would be a loop of tunnels over one bridge
  expect(other.tunnel.device).not.toBe(host.tunnel.device);
  expect(other.network.bridge).not.toBe(host.network.bridge);
});

test('a share of a long-named environment has a name that commands take', () => {
  const { environment } = planSshHost('e'.repeat(31), 'ab12cd', facts);
  expect(environment).toMatch(/^e+-[0-9a-f]{6}$/);
  checkEnvironmentName(environment);
});

test('the bridges find each other by addresses of one range of four, none of them a cloud’s', () => {
  for (let round = 0; round < 500; round += 1) {
    const { id, probe } = planSshHost('work', 'ab12cd', facts).tunnel;
    expect(id).toBeGreaterThan(0);
    expect(id).toBeLessThan(2 ** 24);
    const [near, far] = [probe.near, probe.far].map((address) => address.split('.').map(Number));
    expect(near?.slice(0, 3)).toEqual(far?.slice(0, 3));
    expect([near?.[2] === 169, (near?.[2] ?? 0) > 0]).toEqual([false, true]);
    expect([(near?.[3] ?? 0) % 4, (far?.[3] ?? 0) % 4]).toEqual([1, 2]);
  }
});

test('the CPI knows hosts that are joined or leaving, with what they need and no more', async () => {
  const record = await readHosts('work');
  const host = planSshHost('work', record.id, facts);
  await keepHost('work', record, host);
  expect(await cpiHosts('work')).toEqual({ hosts: {}, served_hosts: {} });
  await keepHost('work', await readHosts('work'), { ...host, phase: 'leaving' });
  expect(await cpiHosts('work')).toEqual({
    hosts: {
      box: {
        backend: 'qemu',
        environment: host.environment,
        libvirt: { uri: 'qemu+ssh://root@box/system' },
        storage_pool: host.pool.name,
        network: host.network.name,
        qemu: { accel: 'tcg' },
      },
    },
    served_hosts: {},
  });
});

test.each([
  ['no YAML', 'hosts: [', 'hosts.yml cannot be used'],
  ['another version', 'version: 2\nid: a\nhosts: []\n', 'version'],
  ['half a host', 'version: 1\nid: a\nhosts: [{kind: ssh, name: box}]\n', 'hosts.0.phase'],
])('a record with %s is damaged', async (_, text, message) => {
  await writeHosts('work', { version: 1, id: 'a', hosts: [planSshHost('work', 'a', facts)] });
  await writeFile(path(), text);
  await expect(readHosts('work')).rejects.toMatchObject({
    code: 'STATE_DAMAGED',
    message: expect.stringContaining(message),
  });
});

test.each(['first', 'Box', '', 'a_b', '-a', 'a'.repeat(21)])("'%s' is no name of a host", (name) => {
  expect(() => checkHostName(name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
