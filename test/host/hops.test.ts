/**
 * What doctor says of the way to an environment's guests: on a real network of libvirt's, each hop is broken by the kernel's own tools, and
 * mended by what doctor advises where that is a command.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GuestWay, hopChecks, inspect } from '../../src/host/findings/index.ts';
import type { Finding } from '../../src/platform/finding.ts';
import { run } from '../../src/platform/process.ts';
import { addressOf, CpiHost, gateway } from '../support/cpi-host.ts';

let host: CpiHost;
let way: GuestWay;
const workload = { cidr: '10.250.0.0/16', router: '10.250.0.34', domain: 'sys.bosh.test' };

beforeAll(async () => {
  host = await CpiHost.start();
  const { config, poolPath } = host;
  const ground = { poolPath, bridge: config.network, gateway, prefixLength: 24, domain: 'bosh.test' };
  const routes = [{ cidr: workload.cidr, via: addressOf(11) }];
  const wildcards = [{ domain: workload.domain, ip: workload.router }];
  await host.withBackend((backend) => backend.ground.prepare({ ...ground, routes, wildcards }));
  const facts = {
    environment: 'test',
    bridge: config.network,
    gateway,
    machine: addressOf(11),
    ports: [8443],
  };
  way = { ...facts, prefix: host.road.commandPrefix, workload };
  await onHost('ip', 'link', 'add', 'uplink0', 'type', 'bridge');
  await onHost('ip', 'link', 'set', 'uplink0', 'up');
  await onHost('ip', 'address', 'add', '198.51.100.2/24', 'dev', 'uplink0');
  await onHost('ip', 'route', 'add', 'default', 'via', '198.51.100.1');
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

const onHost = async (...argv: string[]) =>
  (await run([...host.road.commandPrefix, ...argv] as [string, ...string[]])).stdout.trim();
/** Findings of what is not well, by their ids' last words. */
async function faults(): Promise<Record<string, Finding>> {
  const findings = (await inspect(hopChecks(way))).filter(({ status }) => status !== 'ok');
  return Object.fromEntries(findings.map((finding) => [finding.id.replace('env.test.', ''), finding]));
}
/** Loads rules of nft's that are gone when the test ends. */
async function nft(rules: string): Promise<AsyncDisposable> {
  const path = join(host.libvirtd.folder, 'rules.nft');
  await writeFile(path, rules);
  await onHost('nft', '-f', path);
  return { [Symbol.asyncDispose]: async () => void (await onHost('nft', 'delete', 'table', 'inet', 'mine')) };
}

test('of a network as libvirt lays it there is nothing to say', async () => {
  expect(await faults()).toEqual({});
  const ids = hopChecks(way).map(({ id }) => id.replace('env.test.', ''));
  expect(ids).toEqual(['bridge', 'forwarding', 'firewall', 'route', 'names', 'resolver']);
  expect(hopChecks({ ...way, workload: undefined })).toHaveLength(3);
});

describe('a hop is told of', () => {
  test('a route that is gone, and one that is more specific', async () => {
    await onHost('ip', 'route', 'add', '10.250.0.0/24', 'dev', 'uplink0');
    const { route } = await faults();
    expect(route).toMatchObject({
      status: 'warn',
      detail: expect.stringMatching(/^10\.250\.0\.34 leaves by uplink0: /),
    });
    await onHost('ip', 'route', 'del', '10.250.0.0/24');
    await onHost('ip', 'route', 'del', workload.cidr);
    expect((await faults()).route).toMatchObject({ fix: 'boshvirt recover test' });
    await host.withBackend((backend) => backend.ground.revive());
    expect(await faults()).toEqual({});
  });

  test('a kernel that does not forward, by the command that mends it', async () => {
    await onHost('sysctl', '-qw', 'net.ipv4.ip_forward=0');
    const { forwarding } = await faults();
    expect(forwarding?.detail).toBe('the kernel forwards nothing');
    await run(['sh', '-c', forwarding?.fix ?? 'false']);
    expect(await faults()).toEqual({});
  });

  test('a firewall’s table beside iptables, which libvirt’s rules do not reach', async () => {
    await using _ = await nft(
      'table inet mine {\n chain f {\n type filter hook forward priority 0; policy drop; ct state established accept\n}\n}\n',
    );
    const { firewall } = await faults();
    expect(firewall?.detail).toBe(
      'guests do not get out of this machine (nft table inet mine, chain f: policy drop)',
    );
    await onHost('nft', 'add', 'rule', 'inet', 'mine', 'f', 'iifname', way.bridge, 'accept');
    expect(await faults()).toEqual({});
  });

  test('an INPUT that lets nothing in: names still come in by libvirt’s rule, the CPI server is lost', async () => {
    await onHost('iptables', '-A', 'INPUT', '-i', 'lo', '-j', 'ACCEPT');
    await onHost('iptables', '-P', 'INPUT', 'DROP');
    const { firewall } = await faults();
    expect(firewall?.detail).toBe('guests do not reach port 8443 of this machine (iptables -P INPUT DROP)');
    for (const command of firewall?.fix?.split(' && ') ?? [])
      await run(command.split(' ') as [string, ...string[]]); // it names the network itself
    expect(await faults()).toEqual({});
  });

  test('a FORWARD like Docker’s, where libvirt’s rules were flushed', async () => {
    const saved = await onHost('iptables-save');
    await onHost('iptables', '-P', 'FORWARD', 'DROP');
    expect(await faults()).toEqual({}); // libvirt's rules let through what is the network's
    await onHost('iptables', '-F', 'FORWARD');
    const { firewall } = await faults();
    expect(firewall?.detail).toContain('guests do not get out of this machine (iptables -P FORWARD DROP)');
    expect(firewall?.detail).toContain('answers do not get back to guests (iptables -P FORWARD DROP)');
    await writeFile(join(host.libvirtd.folder, 'rules'), `${saved}\n`);
    await onHost('iptables-restore', join(host.libvirtd.folder, 'rules'));
    expect(await faults()).toEqual({});
  });

  test('a bridge that is down, and one that is gone', async () => {
    await onHost('ip', 'link', 'set', way.bridge, 'down');
    expect((await faults()).bridge?.detail).toBe(`${way.bridge} is down`);
    await onHost('ip', 'link', 'set', way.bridge, 'up');
    await host.virsh('net-destroy', host.config.network);
    const { bridge, names } = await faults();
    expect(bridge).toMatchObject({ detail: `there is no ${way.bridge}`, fix: 'boshvirt recover test' });
    expect(names?.detail).toMatch(/says E(TIMEOUT|CONNREFUSED)$/);
  });
});
