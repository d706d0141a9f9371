/**
 * The life of containers and their disks, one story in order: the CPI is called as bosh calls it, and what came of it is asked
 * of libvirt by virsh, of the kernel, and of the containers by their agents and by ssh.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { lutimes, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { VmCid } from '../../src/cpi/backend.ts';
import { dialThroughNetns } from '../../src/host/forward.ts';
import { findPrivateHost, privateHostNames } from '../../src/host/private-host/index.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { addressOf, CpiHost, gateway, networkAt } from '../support/cpi-host.ts';
import { ProbeGuests } from '../support/probe-guests.ts';
import { processesIn } from '../support/traces.ts';

/** Guests by the last number of their addresses. */
const [a, b, c] = [11, 12, 13];
/** What the second guest's VM type asks for: one port of the host's, and a range. */
const ports = [{ host: 8022, container: 22 }, { host: '9000-9009' }];
const otherAddress = '10.244.79.11';
const mebibyte = 1024 * 1024;
const store = '/var/vcap/store';

let host: CpiHost;
let cpi: BoshCpi;
let guests: ProbeGuests;
let stemcell: string;
let imageHash: string;
const vms = new Map<number, string>();
const vmOf = (guest: number): string => vms.get(guest) ?? 'no VM';
let disk: string;
let larger: string;

beforeAll(async () => {
  host = await CpiHost.start('lxc');
  cpi = host.cpi;
  guests = await ProbeGuests.prepare(host, [a, b, c]);
  await defineOtherNetwork();
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

test('a container stemcell is imported once, and one for virtual machines is refused', async () => {
  stemcell = String(await cpi.call('create_stemcell', guests.imagePath, {}));
  imageHash = await hashOf(join(host.poolPath, `${stemcell}.img`));
  expect(await cpi.call('create_stemcell', guests.imagePath, {})).toBe(stemcell);
  const disk = Buffer.alloc(mebibyte);
  disk.writeUInt16BE(0x55aa, 510);
  const path = join(host.libvirtd.folder, 'disk.raw');
  await writeFile(path, disk);
  const { type, message } = await cpi.failure('create_stemcell', path, {});
  expect([type, message]).toEqual([
    'CloudError',
    expect.stringMatching(/lxc takes .* warden-tar\n.*warden-boshlite/),
  ]);
  expect(await host.volumeNames('sc-')).toHaveLength(3); // image, description, claim
});

test('two VMs made at once on one stemcell both come up', async () => {
  const [agentId, cid, , networks, disks, env] = guests.request('agent-a', stemcell, a);
  const other = {
    type: 'manual',
    ip: otherAddress,
    netmask: '255.255.255.0',
    cloud_properties: { name: 'other' },
  };
  const size = { cpus: 1, memory: 192, ephemeral_disk: 128 };
  const both = { other, ...(networks as object) };
  const created = await Promise.all([
    cpi.call('create_vm', agentId, cid, size, both, disks, env),
    cpi.call('create_vm', ...guests.request('agent-b', stemcell, b, { root_disk: 6000, ports })),
  ]);
  for (const [at, answer] of created.entries()) vms.set([a, b][at] ?? 0, (answer as [string])[0]);
  expect(await host.vmNames()).toEqual([...vms.values()].sort());
  await Promise.all([guests.awake(a), guests.awake(b)]);
});

test('the container has read its settings; its networks are up, in order', async () => {
  const { agent_id: agentId, networks } = await guests.agent(a).getState();
  expect(agentId).toBe('agent-a');
  const macs = await macsOf(vmOf(a));
  expect(networks).toMatchObject({
    default: { ...networkAt(a), mac: macs[0], preconfigured: true },
    other: { ip: otherAddress, mac: macs[1], preconfigured: true },
  });
  const addresses = await guests.shell(a, 'ip -o -4 addr');
  expect(addresses).toMatch(new RegExp(`eth0 +inet ${addressOf(a)}/24`));
  expect(addresses).toMatch(new RegExp(`eth1 +inet ${otherAddress}/24`));
  expect(await guests.shell(a, 'cat /sys/class/net/eth0/address /sys/class/net/eth1/address')).toBe(
    macs.join('\n'),
  );
  expect(await guests.shell(a, 'ip route show default')).toContain(`via ${gateway} dev eth0`);
  expect(await guests.shell(a, `ping -c 1 -W 5 ${addressOf(b)} >/dev/null && echo heard`)).toBe('heard');
  expect(await guests.shell(a, 'stat -c %a /var/vcap/bosh/warden-cpi-agent-env.json')).toBe('600');
});

test('ports of the host lead to it where its VM type asks for them', async () => {
  expect(await saidAt(8022)).toMatch(/^SSH-2\.0-/);
  await guests.shell(b, '(echo from the range | nc -l -p 9005) >/dev/null 2>&1 &');
  expect(await until('the guest’s program', () => saidAt(9005).catch(() => undefined))).toBe(
    'from the range\n',
  );
  const taken = { ports: [{ host: 9009 }] };
  const { type, message } = await cpi.failure('create_vm', ...guests.request('c', stemcell, c, taken));
  expect([type, message]).toEqual([
    'VMCreationFailed',
    expect.stringContaining(`port tcp 9009 leads to VM ${vmOf(b)} already`),
  ]);
});

test('its disks are as large as was asked', async () => {
  expect(await sizeIn(a, '/var/vcap/data')).toBe(128);
  expect(await sizeIn(b, '/')).toBe(6000);
  expect(
    await guests.shell(a, 'head -c 200000000 /dev/zero >/var/vcap/data/much 2>&1 || echo full'),
  ).toContain('full');
  await guests.shell(a, 'rm /var/vcap/data/much; echo kept >/var/vcap/data/note');
});

test('what it may use is limited by the kernel', async () => {
  expect(await groupFile(vmOf(a), 'memory', ['memory.limit_in_bytes', 'memory.max'])).toBe(
    String(192 * mebibyte),
  );
  const quota = await groupFile(vmOf(a), 'cpu', ['cpu.cfs_quota_us', 'cpu.max']);
  expect(quota.split(' ')[0]).toBe('100000');
  expect(await guests.shell(a, 'grep MemTotal /proc/meminfo')).toMatch(new RegExp(` ${192 * 1024} kB`));
});

test('neither of the two sees what the other writes, and the stemcell is as it was', async () => {
  await guests.shell(a, 'echo of-a >/root/note; sync');
  expect(await guests.shell(b, 'cat /root/note 2>&1 || true')).toContain('No such file');
  expect(await hashOf(join(host.poolPath, `${stemcell}.img`))).toBe(imageHash);
});

test('what it says on its console can be read', async () => {
  const said = await host.withBackend(async ({ ground }) => await text(ground.consoleLog(vmOf(a) as VmCid)));
  expect(said).toContain('probe: the container is set up');
});

test('a disk is attached while the container runs, which goes on as it was', async () => {
  const before = await stateOf(a);
  disk = String(await cpi.call('create_disk', 128, {}, vmOf(a)));
  // without one a real agent would not mount it again after a restart
  const table = ['blkid', '--probe', '--match-tag', 'PTTYPE', '--output', 'value'] as const;
  expect((await run([...table, join(host.poolPath, `${disk}.img`)])).stdout).toBe('dos\n');
  const hint = await cpi.call('attach_disk', vmOf(a), disk);
  expect(hint).toEqual({ path: '/dev/ubda' });
  expect(await cpi.call('attach_disk', vmOf(a), disk)).toEqual(hint);
  await mount(a, disk, hint);
  expect(await sizeIn(a, store)).toBe(128);
  expect(await guests.shell(a, `head -c 200000000 /dev/zero >${store}/much 2>&1 || echo full`)).toContain(
    'full',
  );
  await guests.shell(a, `rm ${store}/much; echo kept >${store}/note`);
  expect(await stateOf(a)).toBe(before);
  expect(await cpi.call('get_disks', vmOf(a))).toEqual([disk]);
  for (const options of [[], ['--inactive']])
    expect(await host.virsh('dumpxml', vmOf(a), ...options)).toContain(disk);
});

test('nobody else gets it, and it cannot be deleted', async () => {
  const owner = expect.stringContaining(`attached to VM '${vmOf(a)}'`);
  for (const refused of [
    await cpi.failure('attach_disk', vmOf(b), disk),
    await cpi.failure('delete_disk', disk),
  ])
    expect(refused).toEqual({ type: 'CloudError', message: owner, retry: false });
  expect(await cpi.call('get_disks', vmOf(b))).toEqual([]);
});

test('a disk that is still mounted is not torn from the container', async () => {
  const { type, message } = await cpi.failure('detach_disk', vmOf(a), disk);
  expect([type, message]).toEqual(['CloudError', expect.stringContaining('still mounted')]);
  expect(await guests.shell(a, `cat ${store}/note`)).toBe('kept');
  expect(await cpi.call('get_disks', vmOf(a))).toEqual([disk]);
});

test('a snapshot taken while the container writes is whole, and the container goes on', async () => {
  const writing = `(i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo $i >${store}/count; cp ${store}/count ${store}/count.$((i%50)); done) >/dev/null 2>&1 &`;
  await guests.shell(a, writing);
  const snapshot = String(await cpi.call('snapshot_disk', disk, { deployment: 'cf' }));
  const counted = async () => Number(await guests.shell(a, `cat ${store}/count`));
  const then = await counted();
  expect(
    await until('the container to write', async () => ((await counted()) > then ? true : undefined)),
  ).toBe(true);
  const file = join(host.poolPath, `${snapshot}.img`);
  // -n: nothing is mended; a journal with something in it would be told
  expect((await run(['e2fsck', '-f', '-n', file])).exitCode).toBe(0);
  expect((await run(['dumpe2fs', '-h', file])).stdout).not.toMatch(/needs_recovery/);
  expect((await run(['debugfs', '-R', 'cat /note', file])).stdout).toContain('kept');
  expect(JSON.parse(await readFile(join(host.poolPath, `${snapshot}.json`), 'utf8'))).toMatchObject({
    disk,
    metadata: { deployment: 'cf' },
  });
  await cpi.call('delete_snapshot', snapshot);
  await cpi.call('delete_snapshot', snapshot);
  expect(await host.volumeNames('snap-')).toEqual([]);
});

test('a snapshot_disk that is killed leaves no container waiting', async () => {
  await guests.shell(a, `head -c 60000000 /dev/urandom >${store}/much; sync`);
  for (const delayMs of [150, 300, 450]) {
    const child = cpi.start('snapshot_disk', disk, {});
    await Promise.race([once(child, 'exit'), new Promise((wake) => setTimeout(wake, delayMs))]);
    child.kill('SIGKILL');
    expect(await guests.shell(a, `echo ${delayMs} >${store}/after; sync; cat ${store}/after`)).toBe(
      `${delayMs}`,
    );
  }
  await guests.shell(a, `rm ${store}/much`);
});

test('the agent moves its data to a larger disk', async () => {
  larger = String(await cpi.call('create_disk', 256, {}, vmOf(a)));
  const hint = await cpi.call('attach_disk', vmOf(a), larger);
  const agent = guests.agent(a);
  await agent.addPersistentDisk(larger, hint);
  await agent.mountDisk(larger);
  await agent.migrateDisk();
  expect(await sizeIn(a, store)).toBe(256);
  expect(await guests.shell(a, `cat ${store}/note`)).toBe('kept');
  await agent.removePersistentDisk(disk);
  await cpi.call('detach_disk', vmOf(a), disk);
  expect(await cpi.call('get_disks', vmOf(a))).toEqual([larger]);
  expect((await cpi.failure('detach_disk', vmOf(a), disk)).type).toBe('DiskNotAttached');
  expect((await cpi.failure('detach_disk', vmOf(a), 'disk-000000000000000')).type).toBe('DiskNotFound');
  expect((await cpi.failure('attach_disk', vmOf(a), 'disk-000000000000000')).type).toBe('DiskNotFound');
  expect(await loopsOf(disk)).toEqual([]);
  await cpi.call('delete_disk', disk);
  await cpi.call('delete_disk', disk);
  expect(await host.volumeNames(disk)).toEqual([]);
});

test('a disk grows with its file system, attached or not, and never shrinks', async () => {
  await guests.agent(a).unmountDisk(larger);
  await cpi.call('resize_disk', larger, 300);
  await guests.agent(a).mountDisk(larger);
  expect(await sizeIn(a, store)).toBe(300);
  await letGo(a, larger);
  await cpi.call('detach_disk', vmOf(a), larger);
  await cpi.call('resize_disk', larger, 400);
  expect(await cpi.call('update_disk', larger, 420, {})).toBe(null);
  expect((await cpi.failure('resize_disk', larger, 100)).type).toBe('NotSupported');
  await mount(b, larger, await cpi.call('attach_disk', vmOf(b), larger));
  expect(await sizeIn(b, store)).toBe(420);
  expect(await guests.shell(b, `cat ${store}/note`)).toBe('kept');
});

test('a libvirtd that dies and comes back changes nothing for containers and disks', async () => {
  const before = await stateOf(b);
  const daemon = (await processesIn(host.libvirtd.folder)).find(({ name }) => name === 'libvirtd');
  process.kill(daemon?.pid as number, 'SIGKILL');
  await until('libvirtd', async () => ((await hasVm(b)) ? true : undefined));
  expect(await stateOf(b)).toBe(before);
  expect(await cpi.call('get_disks', vmOf(b))).toEqual([larger]);
  const second = String(await cpi.call('create_disk', 64, {}, vmOf(b)));
  expect(await cpi.call('attach_disk', vmOf(b), second)).toEqual({ path: '/dev/ubdb' });
  await cpi.call('detach_disk', vmOf(b), second);
  await cpi.call('delete_disk', second);
});

test('reboot_vm asks the container first and starts one that is off; its disk is there afterwards', async () => {
  await host.virsh('destroy', vmOf(a));
  // before its agent says anything, a container is called what it was called
  await guests.shell(b, 'echo called >/etc/hostname; echo "hostname >/var/vcap/data/start" >>/etc/rc.boot');
  await Promise.all([cpi.call('reboot_vm', vmOf(b)), cpi.call('reboot_vm', vmOf(a))]);
  const [agent] = await Promise.all([guests.awake(b), guests.awake(a)]);
  expect(cpi.log).not.toMatch(/did not shut down/);
  expect(await agent.listDisk()).toEqual([larger]);
  expect(await guests.shell(b, `cat ${store}/note /var/vcap/data/start`)).toBe('kept\ncalled');
  expect(await guests.shell(a, 'cat /var/vcap/data/note /root/note')).toBe('kept\nof-a');
});

test('after a reboot of the machine the containers are brought back with their disks', async () => {
  await host.restart();
  await host.virsh('net-start', 'other'); // somebody else's network is not ours to start
  expect(await loopsOf(larger)).toEqual([]);
  await host.withBackend(async ({ ground }) => await ground.revive());
  const [agent] = await Promise.all([guests.awake(b), guests.awake(a)]);
  expect(await agent.listDisk()).toEqual([larger]);
  expect(await guests.shell(b, `cat ${store}/note`)).toBe('kept');
  expect(await saidAt(8022)).toMatch(/^SSH-2\.0-/);
});

test('delete_vm keeps a disk that is attached, and frees it', async () => {
  await cpi.call('delete_vm', vmOf(b));
  expect(await cpi.call('has_vm', vmOf(b))).toBe(false);
  await cpi.call('delete_vm', vmOf(b));
  expect(await host.vmNames()).toEqual([vmOf(a)]);
  expect(await loopsOf(larger)).toEqual([]);
  expect(await host.volumeNames(vmOf(b))).toEqual([]);
  await expect(saidAt(8022)).rejects.toThrow(/refused/i);
  expect(await cpi.call('has_disk', larger)).toBe(true);
  await mount(a, larger, await cpi.call('attach_disk', vmOf(a), larger));
  expect(await guests.shell(a, `cat ${store}/note`)).toBe('kept');
});

test('a snapshot of the whole VM brings all its disks back, without its memory', async () => {
  const note = async (text: string) =>
    await guests.shell(
      a,
      `echo ${text} >/root/note; echo ${text} >/var/vcap/data/note; echo ${text} >${store}/note`,
    );
  const notes = async () => await guests.shell(a, `cat /root/note /var/vcap/data/note ${store}/note`);
  await note('then');
  const before = await stateOf(a);
  const vm = vmOf(a) as VmCid;
  await host.withBackend(async ({ snapshots }) => {
    expect(await snapshots?.create(vm, 'first one')).toMatchObject({ name: 'first one', withMemory: false });
    await expect(snapshots?.create(vm, 'first one')).rejects.toThrow(/already/);
    expect((await snapshots?.list(vm))?.map(({ name }) => name)).toEqual(['first one']);
    expect(await stateOf(a)).toBe(before);
    await note('now');
    await snapshots?.restore(vm, 'first one');
    await guests.awake(a);
    expect(await notes()).toBe('then\nthen\nthen');
    await snapshots?.delete(vm, 'first one');
    await snapshots?.delete(vm, 'first one');
    await expect(snapshots?.restore(vm, 'first one')).rejects.toThrow(/has no snapshot/);
  });
  expect(await host.volumeNames(`${vm}-state`)).toEqual([]);
});

test('a device that no VM has any more is found as an orphan, and can be taken away', async () => {
  const lost = String(await cpi.call('create_disk', 64, {}, vmOf(a)));
  const { path } = (await cpi.call('attach_disk', vmOf(a), lost)) as { path: string };
  await host.virsh('detach-disk', vmOf(a), path.replace('/dev/', ''), '--live', '--config'); // behind the CPI's back
  const owners = { gone: false, cids: new Set<string>() };
  await host.withBackend(async ({ ground }) => {
    const devices = async () => (await ground.orphans(owners)).filter(({ kind }) => kind === 'mount');
    expect(await devices()).toEqual([]); // it is young
    const anHourAgo = new Date(Date.now() - 3_600_000);
    await lutimes(`/dev/boshvirt/${lost}`, anHourAgo, anHourAgo);
    const [orphan, ...others] = await devices();
    expect([orphan?.name, others]).toEqual([lost, []]);
    expect(orphan && (await ground.removeOrphan(orphan, owners))).toBe(true);
  });
  expect(await loopsOf(lost)).toEqual([]);
  await cpi.call('delete_disk', lost);
});

test('it works on its own machine alone', async () => {
  const remote = await host.cpiWith('remote', { uri: 'lxc+ssh://host/system' });
  const { type, message } = await remote.failure('has_vm', vmOf(a));
  expect([type, message]).toEqual(['NotSupported', expect.stringContaining('lxc+ssh://host/system')]);
});

test('a create_vm that is killed leaves what delete_vm finds', async () => {
  const child = cpi.start('create_vm', ...guests.request('agent-c', stemcell, c));
  const half = await until('the VM', async () => (await host.vmNames()).find((name) => name !== vmOf(a)));
  child.kill('SIGKILL');
  await once(child, 'exit');
  await cpi.call('delete_vm', half);
  expect(await host.vmNames()).toEqual([vmOf(a)]);
  expect(await host.volumeNames(half)).toEqual([]);
});

test('a device to which a killed create_vm has made no link yet goes with the VM', async () => {
  const cid = ((await cpi.call('create_vm', ...guests.request('agent-c', stemcell, c))) as [string])[0];
  const image = `${cid}-ephemeral.img`;
  await host.virsh('destroy', cid);
  await rm(`/dev/boshvirt/${image}`);
  expect(await loopsOf(image)).not.toEqual([]);
  await cpi.call('delete_vm', cid);
  expect(await loopsOf(image)).toEqual([]);
});

test('nothing is left of an environment that is cleared', async () => {
  // a losetup that a killed CPI had started comes to its end after all
  const late = join(host.poolPath, `vm-${'0'.repeat(17)}-ephemeral.img`);
  await writeFile(late, Buffer.alloc(mebibyte));
  await run(['losetup', '--find', late]);
  await rm(late);
  await host.withBackend(async ({ ground }) => await ground.clear());
  expect(await host.vmNames()).toEqual([]);
  await expect(stat(host.poolPath)).rejects.toThrow(/ENOENT/);
  expect((await run(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE'])).stdout).not.toContain(
    host.libvirtd.folder,
  );
  expect(await readdir('/dev/boshvirt')).not.toContain(larger);
  const groups = (await run(['find', '/sys/fs/cgroup', '-name', `*${vmOf(a)}*`])).stdout;
  expect(groups).toBe('');
});

/** Who the container's first process is, since when it runs, and what lies in its memory and on its own disks. */
async function stateOf(guest: number): Promise<string> {
  await guests.shell(guest, '[ -e /run/mark ] || cat /proc/sys/kernel/random/uuid >/run/mark');
  return await guests.shell(
    guest,
    'cut -d " " -f 22 /proc/1/stat; cat /run/mark; cat /var/vcap/data/note 2>/dev/null || true',
  );
}

/** What first comes from a port of the host's. */
async function saidAt(port: number): Promise<string> {
  const { netnsPath } = privateHostNames(host.libvirtd.folder);
  const stream = await dialThroughNetns(netnsPath, gateway, port, { timeoutMs: 5000 });
  for await (const chunk of stream) return String(chunk);
  return '';
}

/** MiB, as near as a file system's own tables leave it: the device's size. */
async function sizeIn(guest: number, folder: string): Promise<number> {
  const device = await guests.shell(guest, `stat -c %d ${folder}`);
  const [major, minor] = [Number(device) >> 8, Number(device) & 0xff];
  const sectors = Number(await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8'));
  const shown =
    Number(await guests.shell(guest, `df -k ${folder} | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2`)) / 1024;
  const whole = (sectors * 512) / mebibyte;
  expect(shown / whole).toBeGreaterThan(0.8); // the file system fills its device
  return whole;
}

async function mount(guest: number, cid: string, hint: unknown): Promise<void> {
  const agent = guests.agent(guest);
  await agent.addPersistentDisk(cid, hint as Record<string, string>);
  await agent.mountDisk(cid);
}

async function letGo(guest: number, cid: string): Promise<void> {
  const agent = guests.agent(guest);
  await agent.unmountDisk(cid);
  await agent.removePersistentDisk(cid);
}

async function loopsOf(cid: string): Promise<string[]> {
  const { stdout } = await run(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE']);
  return stdout.split('\n').filter((line) => line.includes(cid));
}

/** What one of these files says of the container's control group, whichever version of them the machine has. */
async function groupFile(
  vm: string,
  controller: string,
  [v1, v2]: readonly [string, string],
): Promise<string> {
  const holder = await findPrivateHost(host.libvirtd.folder);
  const keepers = await processesIn(host.libvirtd.folder);
  for (const { pid } of keepers.filter(({ name }) => name === 'libvirt_lxc')) {
    if (!(await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(vm)) continue;
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    const own = new RegExp(`^\\d+:(?:.*,)?${controller}(?:,.*)?:(.*)$`, 'm').exec(groups)?.[1];
    const path = own
      ? `/sys/fs/cgroup/${controller}${own}/${v1}`
      : `/sys/fs/cgroup${/^0::(.*)$/m.exec(groups)?.[1]}/${v2}`;
    return (await readFile(path, 'utf8')).trim();
  }
  throw new Error(`no container ${vm} below process ${holder?.pid}`);
}

async function hasVm(guest: number): Promise<boolean> {
  return await cpi.call('has_vm', vmOf(guest)).then(Boolean, () => false);
}

async function macsOf(vm: string): Promise<string[]> {
  const xml = await host.virsh('dumpxml', vm);
  return [...xml.matchAll(/<mac address='([^']+)'/g)].map(([, mac = '']) => mac);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { end: 300 * mebibyte }), hash);
  return hash.digest('hex');
}

async function until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const seen = await waitFor(probe, { timeoutMs: 60_000, intervalMs: 20 });
  if (seen === undefined) throw new Error(`waited in vain: ${what}`);
  return seen;
}

async function defineOtherNetwork(): Promise<void> {
  const path = join(host.libvirtd.folder, 'other.xml');
  await writeFile(
    path,
    `<network><name>other</name><bridge name='${host.config.network}o'/><ip address='10.244.79.1' prefix='24'/></network>`,
  );
  await host.virsh('net-define', path);
  await host.virsh('net-start', 'other');
}
