/**
 * An environment on two hosts, one story in order: two private libvirt hosts stand for two machines, the CPI is called as the
 * director's requests reach it, and guests on either look for those on the other.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { down } from '../../src/environment/down.ts';
import { addHost } from '../../src/environment/hosts/add-host.ts';
import { joinHere } from '../../src/environment/hosts/join-here.ts';
import { joinHosts, tunnelsStand } from '../../src/environment/hosts/join-host.ts';
import { listHosts } from '../../src/environment/hosts/list-hosts.ts';
import { removeHost } from '../../src/environment/hosts/remove-host.ts';
import { privateHostFolder } from '../../src/environment/paths.ts';
import { environmentNames } from '../../src/environment/record.ts';
import { recover } from '../../src/environment/recover.ts';
import { status } from '../../src/environment/status.ts';
import { up } from '../../src/environment/up.ts';
import { guestRoad } from '../../src/host/forward.ts';
import { privateHostNames } from '../../src/host/private-host/index.ts';
import { run } from '../../src/platform/process.ts';
import { addressOf } from '../support/cpi-host.ts';
import { ProbeGuests } from '../support/probe-guests.ts';
import { processesIn } from '../support/traces.ts';
import { TwoHosts, wire } from '../support/two-hosts.ts';

/** VMs by the last number of their addresses: a container on the first host, a machine on the second, which nobody waits for. */
const [near, far] = [20, 30];

let hosts: TwoHosts;
let device: string;
const guests = new Map<number, ProbeGuests>();
const vms = new Map<number, string>();
const guest = (number: number): ProbeGuests => guests.get(number) ?? expect.unreachable();
const onSecond = async (...words: string[]) =>
  await run(['nsenter', '-t', String(hosts.second.pid), '-n', ...words]);
const farVirsh = async (...words: string[]) =>
  (await run(['virsh', '-q', '-c', hosts.second.uri, ...words])).stdout.trim();

beforeAll(async () => {
  hosts = await TwoHosts.start();
});
afterAll(async () => await hosts?.[Symbol.asyncDispose]());

test('a machine that does not answer is no host, and nothing is kept of it', async () => {
  const uri = hosts.uri.replace(wire.second, '10.99.0.3');
  await expect(addHost('work', 'box', { uri }, hosts.caller())).rejects.toMatchObject({ code: 'HYPERVISOR' });
  expect(await listHosts('work', hosts.caller())).toMatchObject([{ name: 'first', state: 'joined' }]);
});

test('a way that lets no tunnel through is told with its ends, and the same command goes on from there', async () => {
  const firewall = async (verb: '-I' | '-D') =>
    await onSecond('iptables', verb, 'INPUT', '-p', 'udp', '--dport', '4789', '-j', 'DROP');
  await firewall('-I');
  await expect(addHost('work', 'box', { uri: hosts.uri }, hosts.caller())).rejects.toMatchObject({
    code: 'TEMPORARY',
    message: `Nothing comes through the tunnel to host 'box': ${wire.first} and ${wire.second}, UDP port 4789`,
  });
  expect((await listHosts('work', hosts.caller()))[1]).toMatchObject({ name: 'box', state: 'incomplete' });
  await expect((await hosts.cpi('box')).call('info')).rejects.toThrow("'box', which is not in");
  await firewall('-D');
});

test('a host is added by ssh: storage, a bridge, a tunnel to it', async () => {
  const lines: string[] = [];
  const { host } = await addHost('work', 'box', {}, hosts.caller(lines)); // begun before
  ({ device } = host.tunnel);
  expect(host).toMatchObject({
    phase: 'joined',
    backend: 'qemu',
    tunnel: { near: wire.first, far: wire.second },
  });
  expect(lines.join()).toContain('boshvirt up work tells it');
  expect(await hosts.links('first')).toContain(device);
  expect(await hosts.links('second')).toContain(device);
  expect(await farVirsh('net-list', '--name')).toContain(`boshvirt-${host.environment}`);
  expect(await listHosts('work', hosts.caller())).toMatchObject([
    { name: 'first', state: 'joined' },
    { name: 'box', state: 'joined', address: wire.second, vms: [] },
  ]);
});

test('VMs are made on whichever host the request’s context names', async () => {
  for (const [number, backend, name] of [
    [far, 'qemu', 'box'],
    [near, 'lxc', undefined],
  ] as const) {
    const folder = join(hosts.second.dir, '..');
    const road = guestRoad(privateHostNames(privateHostFolder()).netnsPath);
    const made = await ProbeGuests.prepare({ backend, road, libvirtd: { folder: `${folder}/${backend}` } }, [
      near,
      far,
    ]);
    guests.set(number, made);
    const cpi = await hosts.cpi(name);
    const stemcell = await cpi.call('create_stemcell', made.imagePath, {});
    const [vm] = (await cpi.call('create_vm', ...made.request(`agent-${number}`, stemcell, number))) as [
      string,
    ];
    vms.set(number, vm);
  }
  const vm = String(vms.get(far));
  expect(await farVirsh('list', '--name')).toBe(vm);
  expect(await farVirsh('domiflist', vm)).toMatch(/^vnet\S+ +network +boshvirt-work-/);
  await guest(near).awake(near);
});

test('a host with VMs stays; the refusal names them', async () => {
  await expect(removeHost('work', 'box', { force: false }, hosts.caller())).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(String(vms.get(far))),
  });
  await expect((await hosts.cpi('box')).call('has_vm', vms.get(far))).resolves.toBe(true);
  await expect((await hosts.cpi()).call('has_vm', vms.get(far))).resolves.toBe(false);
});

test('a lost tunnel is seen, and laid again', async () => {
  await onSecond('ip', 'link', 'delete', device);
  expect(await tunnelsStand(hosts.record)).toBe(true); // the end that is here
  expect((await listHosts('work', hosts.caller()))[1]).toMatchObject({ state: 'apart', vms: [vms.get(far)] });
  expect(await joinHosts(hosts.record, hosts.caller())).toEqual([{ name: 'box', fault: undefined }]);
  expect((await listHosts('work', hosts.caller()))[1]).toMatchObject({ state: 'joined' });
});

test('without a wire the host is silent, and is not taken for gone', async () => {
  await hosts.setWire('down');
  expect((await listHosts('work', hosts.caller()))[1]).toMatchObject({ state: 'silent', vms: [] });
  const [joining] = await joinHosts(hosts.record, hosts.caller());
  expect(joining?.fault).toContain(wire.second);
  await expect(removeHost('work', 'box', { force: false }, hosts.caller())).rejects.toMatchObject({
    code: 'HYPERVISOR',
    hints: expect.arrayContaining([expect.stringContaining('host remove box --env work --force')]),
  });
  const { error } = await (await hosts.cpi('box')).request('has_vm', [vms.get(far)]);
  expect(error?.message).toMatch(/ssh .*10\.99\.0\.2/);
  await hosts.setWire('up');
});

test('removing a host leaves nothing there and nothing here', async () => {
  await removeHost('work', 'box', { force: true }, hosts.caller());
  expect(await farVirsh('list', '--all', '--name')).toBe('');
  expect(await farVirsh('net-list', '--all', '--name')).not.toContain('work');
  expect(await farVirsh('pool-list', '--all', '--name')).not.toContain('work');
  for (const machine of ['first', 'second'] as const) {
    expect(await hosts.links(machine)).not.toContain(device);
    expect(await hosts.addresses(machine)).not.toContain('169.254.');
  }
  expect(await listHosts('work', hosts.caller())).toHaveLength(1);
});

/** A container on the second host, whose own boshvirt makes it. */
const joined = 40;

describe('a host that serves its CPI itself', () => {
  let invitation: string;
  let share: string;

  test('it is invited, and joins with what it was given', async () => {
    const added = await addHost('work', 'own', { address: wire.second }, hosts.caller());
    invitation = added.invitation ?? '';
    share = added.host.environment;
    expect(added.host).toMatchObject({ kind: 'served', phase: 'joining' });
    expect((await stat(invitation)).mode & 0o777).toBe(0o600);
    await expect(joinHere(invitation, { backend: 'lxc' }, hosts.caller())).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('is for a machine at'),
    });
    await hosts.atSecond(async () => await joinHere(invitation, { backend: 'lxc' }, hosts.caller()));
    await using director = await hosts.serve(); // a server that has not heard of the host yet
    const info = { method: 'info', arguments: [], context: { boshvirt_host: 'own' } };
    expect(await director.ask(info)).toMatchObject({ error: { type: 'Bosh::Clouds::CpiError' } });
    const again = await addHost('work', 'own', {}, hosts.caller());
    expect(await director.ask(info)).toMatchObject({ result: { stemcell_formats: ['warden-tar'] } });
    expect(again).toMatchObject({ host: { phase: 'joined' }, invitation: undefined });
    await expect(stat(invitation)).rejects.toThrow('ENOENT');
    expect((await listHosts('work', hosts.caller()))[1]).toMatchObject({ name: 'own', state: 'joined' });
  });

  test('VMs are made by its boshvirt, and stemcells sent to it', async () => {
    const road = guestRoad(privateHostNames(privateHostFolder()).netnsPath);
    const folder = join(hosts.second.dir, '..', 'joined');
    const made = await ProbeGuests.prepare({ backend: 'lxc', road, libvirtd: { folder } }, [joined]);
    const cpi = await hosts.cpi('own');
    expect(await cpi.call('info')).toMatchObject({ stemcell_formats: ['warden-tar'] });
    const stemcell = await cpi.call('create_stemcell', made.imagePath, {});
    const [vm] = (await cpi.call('create_vm', ...made.request('agent-own', stemcell, joined))) as [string];
    expect(cpi.log).toContain('create_vm: done');
    guests.set(joined, made);
    await made.awake(joined);
    const uri = hosts.second.uri.replace(/^qemu/, 'lxc');
    expect((await run(['virsh', '-q', '-c', uri, 'list', '--name'])).stdout.trim()).toBe(vm);
    expect(await cpi.failure('create_disk', 0, {}, vm)).toMatchObject({ type: 'CpiError' });
  });

  test('guests on both reach each other, also with packets that the way between the hosts is too narrow for', async () => {
    const ask = async (from: number, to: number, words: string) =>
      await guest(from).shell(from, `busybox ping -W 3 ${words} ${addressOf(to)}`);
    expect(await ask(near, joined, '-c 1')).toMatch(/ 0% packet loss/);
    expect(await ask(joined, near, '-c 1')).toMatch(/ 0% packet loss/);
    // the first ones are lost: their sender is told what fits
    expect(await ask(near, joined, '-c 6 -i 0.2 -s 1472')).toMatch(/ [1-6] packets received/);
  });

  test('the machine knows what it is part of, and up makes no machine of it', async () => {
    await hosts.atSecond(async () => {
      const { log, signal } = hosts.caller();
      expect(await status(share, log, signal)).toMatchObject({ state: 'running' });
      const options = { recreate: false, offline: true, adoptDisk: undefined, boshvirtCommand: '' };
      await expect(up(share, {}, options, hosts.caller())).rejects.toMatchObject({ code: 'USAGE' });
      expect(await recover(share, { cloudCheck: false }, hosts.caller())).toMatchObject([
        { found: 'answers' },
      ]);
    });
  });

  test('it is left, and what it had goes with its own down', async () => {
    await expect(removeHost('work', 'own', { force: false }, hosts.caller())).rejects.toMatchObject({
      code: 'TEMPORARY', // no director to ask
    });
    const lines: string[] = [];
    await removeHost('work', 'own', { force: true }, hosts.caller(lines));
    expect(lines.join()).toContain(`boshvirt down ${share}`);
    expect(await hosts.addresses('first')).not.toContain('169.254.');
    const { error } = await (await hosts.cpi('own')).request('has_vm', ['vm-1']);
    expect(error?.message).toContain("'own', which is not in");
    await hosts.atSecond(async () => {
      await down(share, { purge: true, boshvirtCommand: '' }, hosts.caller());
      expect(await environmentNames()).toEqual([]);
    });
    const left = (await processesIn(hosts.second.dir)).filter(({ name }) => name !== 'dropbear'); // the test's own
    expect(left).toEqual([]);
  });
});
