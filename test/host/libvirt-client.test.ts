/** The libvirt client against a real libvirtd and QEMU (emulated, no guest system); virsh is the second opinion. */
import { createHash, randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import {
  connectLibvirt,
  type Domain,
  type Libvirt,
  LibvirtError,
  libvirtErrors,
  type Pool,
} from '../../src/clients/libvirt/index.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { startLibvirtd, type TestLibvirtd } from '../support/libvirtd.ts';

const mib = 1024 * 1024;
const nobody = 65_534;
let daemon: TestLibvirtd;
let libvirt: Libvirt;
let pool: Pool;

beforeAll(async () => {
  daemon = await startLibvirtd();
  libvirt = await connectLibvirt(daemon.uri);
  pool = await libvirt.definePool(
    `<pool type='dir'><name>p1</name><target><path>${join(daemon.folder, 'p1')}</path></target></pool>`,
  );
  await pool.build();
  await pool.start();
});

afterAll(async () => {
  await libvirt?.close();
  await daemon?.[Symbol.asyncDispose]();
});

afterEach(() => {
  vi.unstubAllEnvs();
});

const virsh = async (...args: string[]) =>
  (await run(['virsh', '-q', '-c', daemon.uri, ...args])).stdout.trim();
const volumeXml = (name: string, capacityBytes: number, format = 'raw', rest = '') =>
  `<volume><name>${name}</name><capacity>${capacityBytes}</capacity><allocation>0</allocation>
   <target><format type='${format}'/>${rest}</target></volume>`;
const diskXml = (path: string, target: string) =>
  `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${path}'/>
   <target dev='${target}' bus='virtio'/><alias name='ua-${target}'/></disk>`;
const domainXml = (name: string, devices = '') =>
  `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
   <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
   <cpu mode='custom' match='exact'><model>qemu64</model></cpu>
   <devices><memballoon model='none'/><video><model type='none'/></video>${devices}</devices></domain>`;

/** A domain that is gone when the test ends, however it ends. */
async function domain(name: string, devices = ''): Promise<Domain & AsyncDisposable> {
  const made = await libvirt.defineDomain(domainXml(name, devices));
  return Object.assign(made, {
    async [Symbol.asyncDispose]() {
      if (await made.isActive()) await made.destroy();
      await made.undefine({ managedSave: true, snapshotsMetadata: true, nvram: true });
    },
  });
}

async function* bytes(total: number, seed: Buffer): AsyncGenerator<Buffer> {
  for (let left = total; left > 0; left -= seed.length) yield seed.subarray(0, left);
}
async function digest(source: AsyncIterable<Uint8Array>): Promise<{ sha256: string; length: number }> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { sha256: hash.digest('hex'), length };
}
/** What libvirt said when this failed. */
async function refusal(work: Promise<unknown>): Promise<LibvirtError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LibvirtError);
  return error as LibvirtError;
}

test('the daemon says who it is', async () => {
  expect(await libvirt.libraryVersion()).toMatch(/^\d+\.\d+\.\d+$/);
  expect(await libvirt.hostname()).toBe(await virsh('hostname'));
  expect(await libvirt.capabilities()).toContain('<capabilities>');
  const query = { emulator: '/usr/bin/qemu-system-x86_64', arch: 'x86_64', machine: 'pc', type: 'qemu' };
  expect(await libvirt.domainCapabilities(query)).toContain('<domainCapabilities>');
});

test('what is not there is undefined', async () => {
  expect(await libvirt.findDomain('nope')).toBeUndefined();
  expect(await libvirt.findDomainByUuid('00000000-0000-4000-8000-000000000000')).toBeUndefined();
  expect(await libvirt.findNetwork('nope')).toBeUndefined();
  expect(await libvirt.findPool('nope')).toBeUndefined();
  expect(await libvirt.findVolumeByPath('/nope')).toBeUndefined();
  expect(await pool.findVolume('nope')).toBeUndefined();
});

test('a domain lives its life', async () => {
  await using vm = await domain('life');
  expect((await libvirt.listDomains()).map(({ name }) => name)).toContain('life');
  expect((await libvirt.findDomain('life'))?.uuid).toBe(vm.uuid);
  expect((await libvirt.findDomainByUuid(await virsh('domuuid', 'life')))?.name).toBe('life');
  expect(await vm.isActive()).toBe(false);

  await vm.start({ paused: true });
  expect((await vm.state()).state).toBe('paused');
  await vm.resume();
  expect((await vm.state()).state).toBe('running');
  await vm.reset();
  await vm.suspend();
  expect(await virsh('domstate', 'life')).toBe('paused');
  await vm.resume();
  await vm.reboot({ mode: 'acpi' });
  await vm.shutdown({ mode: 'acpi' }); // nobody in the guest hears it
  expect((await refusal(vm.start())).is(libvirtErrors.OPERATION_INVALID)).toBe(true);
  await vm.setAutostart(true);
  expect(await virsh('dominfo', 'life')).toMatch(/Autostart:\s+enable/);
  await vm.destroy();
  expect(await vm.state()).toEqual({ state: 'shut-off', reason: 2 });
  expect((await refusal(vm.destroy())).is(libvirtErrors.OPERATION_INVALID)).toBe(true);
});

test('metadata, title and description are kept, live and for the next start', async () => {
  await using vm = await domain('notes');
  await vm.start();
  const both = { live: true, config: true };
  expect(await vm.metadata('urn:test:1', { config: true })).toBeUndefined();
  await vm.setMetadata('t', 'urn:test:1', '<note at="ä">ö1</note>', both);
  expect(await vm.metadata('urn:test:1', { live: true })).toContain('>ö1<');
  await vm.setMetadata('t', 'urn:test:1', '<note>2</note>', { config: true });
  expect(await vm.metadata('urn:test:1', { config: true })).toContain('2');
  expect(await vm.metadata('urn:test:1', { live: true })).toContain('1');
  await vm.setMetadata('t', 'urn:test:1', undefined, both);
  expect(await vm.metadata('urn:test:1', { config: true })).toBeUndefined();
  await vm.setTitle('a title', both);
  await vm.setDescription('a description', both);
  expect(await virsh('desc', '--title', 'notes')).toBe('a title');
  expect(await virsh('desc', '--config', 'notes')).toBe('a description');
});

test('devices come and go', async () => {
  const disk = await pool.createVolume(volumeXml('late.qcow2', 8 * mib, 'qcow2'));
  const path = await disk.path();
  await using vm = await domain('devices');
  await vm.attachDevice(diskXml(path, 'vdb'), { config: true });
  expect(await vm.xml({ inactive: true })).toContain(path);
  await vm.start();
  await vm.blockResize('vdb', 16 * mib);
  expect((await disk.info()).capacityBytes).toBe(16 * mib);
  await vm.detachDevice(diskXml(path, 'vdb'), { config: true });
  expect(await vm.xml({ inactive: true })).not.toContain(path);
  expect(await vm.xml()).toContain(path);
  await vm.destroy();
  await vm.attachDevice(diskXml(path, 'vdc'), { config: true });
  await vm.updateDevice(diskXml(path, 'vdc').replace("type='qcow2'", "type='qcow2' cache='none'"), {
    config: true,
  });
  expect(await virsh('dumpxml', '--inactive', 'devices')).toContain("cache='none'");
  await vm.detachDeviceAlias('ua-vdc', { config: true });
  expect(await vm.xml({ inactive: true })).not.toContain(path);
  expect(await refusal(vm.detachDevice(diskXml(path, 'vdz'), { config: true }))).toMatchObject({
    libvirtCode: libvirtErrors.DEVICE_MISSING,
  });
  await disk.delete();
});

test('memory is saved and read back', async () => {
  await using vm = await domain('saved');
  await vm.start();
  await vm.managedSave();
  expect(await vm.isActive()).toBe(false);
  expect(await vm.hasManagedSave()).toBe(true);
  await vm.start();
  expect(await vm.hasManagedSave()).toBe(false);
  expect((await vm.state()).state).toBe('running');
  await vm.managedSave();
  await vm.removeManagedSave();
  expect(await vm.hasManagedSave()).toBe(false);
});

test('a snapshot brings the machine and its disk back', async () => {
  const disk = await pool.createVolume(volumeXml('snap.qcow2', 8 * mib, 'qcow2', '<compat>1.1</compat>'));
  {
    await using vm = await domain('snap', diskXml(await disk.path(), 'vda'));
    await vm.start();
    const snapshot = await vm.createSnapshot('<domainsnapshot><name>s1</name></domainsnapshot>');
    expect(snapshot.name).toBe('s1');
    expect(await snapshot.xml()).toContain('<state>running</state>');
    expect(await virsh('snapshot-list', '--name', 'snap')).toBe('s1');
    expect((await vm.listSnapshots()).map(({ name }) => name)).toEqual(['s1']);
    await vm.destroy();
    await (await vm.findSnapshot('s1'))?.revert({ running: true });
    expect(await vm.isActive()).toBe(true);
    expect(await vm.findSnapshot('s2')).toBeUndefined();
    await snapshot.delete();
    expect(await vm.listSnapshots()).toEqual([]);
  }
  await disk.delete();
});

test('a pool tells what it is and what lies in it', async () => {
  expect((await libvirt.findPool('p1'))?.uuid).toBe(pool.uuid);
  expect((await libvirt.listPools()).map(({ name }) => name)).toContain('p1');
  const { state, capacityBytes, availableBytes } = await pool.info();
  expect(state).toBe('running');
  expect(availableBytes).toBeLessThanOrEqual(capacityBytes);
  expect(await pool.xml()).toContain(join(daemon.folder, 'p1'));

  const made = await libvirt.definePool(
    `<pool type='dir'><name>p2</name><target><path>${join(daemon.folder, 'p2')}</path></target></pool>`,
  );
  expect(await made.isActive()).toBe(false);
  expect((await made.info()).state).toBe('inactive');
  await made.build();
  await made.start();
  await made.setAutostart(true);
  expect(await virsh('pool-info', 'p2')).toMatch(/Autostart:\s+yes/);
  await made.destroy();
  await made.delete();
  await expect(stat(join(daemon.folder, 'p2'))).rejects.toThrow('ENOENT');
  await made.undefine();
  expect(await libvirt.findPool('p2')).toBeUndefined();
});

test('volumes are made, cloned, resized and found', async () => {
  const volume = await pool.createVolume(volumeXml('one.raw', 3 * mib));
  const { type, capacityBytes } = await volume.info();
  expect({ type, capacityBytes }).toEqual({ type: 'file', capacityBytes: 3 * mib });
  expect(await volume.path()).toBe(join(daemon.folder, 'p1', 'one.raw'));
  expect([volume.pool, volume.name, volume.key]).toEqual(['p1', 'one.raw', await volume.path()]);
  expect(await volume.xml()).toContain('<name>one.raw</name>');
  expect((await libvirt.findVolumeByPath(await volume.path()))?.name).toBe('one.raw');
  await volume.resize(5 * mib);
  expect((await volume.info()).capacityBytes).toBe(5 * mib);
  const exists = await refusal(pool.createVolume(volumeXml('one.raw', mib)));
  expect(exists.is(libvirtErrors.STORAGE_VOL_EXIST)).toBe(true);

  await volume.upload(bytes(5 * mib, randomBytes(65_536)));
  const clone = await pool.cloneVolume(volumeXml('two.raw', 5 * mib), volume);
  expect(await digest(clone.download())).toEqual(await digest(volume.download()));
  await pool.refresh();
  expect((await pool.listVolumes()).map(({ name }) => name).sort()).toEqual(['one.raw', 'two.raw']);
  await volume.delete();
  await clone.delete();
  expect(await pool.listVolumes()).toEqual([]);
});

test('an upload arrives byte by byte, whatever the size of its pieces', async () => {
  const length = 20 * mib + 12_345;
  const volume = await pool.createVolume(volumeXml('big.raw', length));
  const seed = randomBytes(1_000_003); // larger than a message, and no multiple of anything
  await volume.upload(bytes(length, seed), { lengthBytes: length });
  const sent = await digest(bytes(length, seed));
  expect(await digest(volume.download())).toEqual(sent);
  const file = join(daemon.folder, 'other-road');
  await virsh('vol-download', '--pool', 'p1', 'big.raw', file);
  expect((await run(['sha256sum', file])).stdout).toContain(sent.sha256);

  await volume.upload(bytes(3, Buffer.from('abc')), { offsetBytes: 10 * mib, lengthBytes: 3 });
  const part = await digest(volume.download({ offsetBytes: 10 * mib, lengthBytes: 3 }));
  expect(part).toEqual(await digest(bytes(3, Buffer.from('abc'))));
  await volume.delete();
});

test('a sparse upload leaves out the zeroes and keeps the length', async () => {
  const length = 64 * mib;
  const volume = await pool.createVolume(volumeXml('sparse.raw', length));
  const content = Buffer.alloc(length);
  for (const at of [5, 20 * mib + 7, 40 * mib]) content.set(randomBytes(100_000), at);
  await volume.upload(bytes(length, content), { sparse: true });
  expect((await digest(volume.download())).sha256).toBe((await digest(bytes(length, content))).sha256);
  const { size, blocks } = await stat(await volume.path());
  expect(size).toBe(length);
  expect(blocks * 512).toBeLessThan(2 * mib);
  await volume.delete();
});

test('an upload that libvirt refuses in the middle is a LibvirtError, and the connection lives on', async () => {
  const volume = await pool.createVolume(volumeXml('small.raw', mib));
  const tooMuch = volume.upload(bytes(64 * mib, randomBytes(mib)), { lengthBytes: mib });
  expect((await refusal(tooMuch)).message).toBeTruthy();
  expect((await volume.info()).capacityBytes).toBe(mib);
  await volume.delete();
});

test('a disk that runs full during an upload is told with its errno', async () => {
  const path = join(daemon.folder, 'full');
  await mkdir(path);
  await run(['nsenter', '-m', '-t', `${daemon.pid}`, 'mount', '-t', 'tmpfs', '-o', 'size=4m', 'none', path]);
  const small = await libvirt.definePool(
    `<pool type='dir'><name>full</name><target><path>${path}</path></target></pool>`,
  );
  await small.start();
  const volume = await small.createVolume(volumeXml('v.raw', 16 * mib));
  const error = await refusal(volume.upload(bytes(16 * mib, randomBytes(mib))));
  expect(error).toMatchObject({ libvirtCode: libvirtErrors.SYSTEM_ERROR, int1: 28 });
  await volume.delete();
  await small.destroy();
  await small.undefine();
});

test('a download that is left half read ends, and the connection lives on', async () => {
  const volume = await pool.createVolume(volumeXml('half.raw', 64 * mib));
  for await (const chunk of volume.download()) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  expect((await volume.info()).type).toBe('file');
  await volume.delete();
});

test('a reader may make other calls while it downloads, and read two volumes side by side', async () => {
  const [left, right] = await Promise.all(
    ['left.raw', 'right.raw'].map((name) => pool.createVolume(volumeXml(name, 48 * mib))),
  );
  const other = right?.download();
  for await (const chunk of left?.download() ?? []) {
    expect((await left?.info())?.capacityBytes).toBe(48 * mib);
    expect((await other?.next())?.value?.length).toBe(chunk.length);
  }
  expect((await other?.next())?.done).toBe(true);
  await Promise.all([left?.delete(), right?.delete()]);
});

test('a signal ends a transfer at once, and the connection lives on', async () => {
  const volume = await pool.createVolume(volumeXml('given-up.raw', 16 * mib));
  const giveUp = new AbortController();
  async function* hanging() {
    yield randomBytes(mib);
    giveUp.abort(new Error('enough'));
    await new Promise(() => {});
  }
  await expect(volume.upload(hanging(), { signal: giveUp.signal })).rejects.toThrow('enough');
  await expect(digest(volume.download({ signal: giveUp.signal }))).rejects.toThrow('enough');
  await volume.delete();
});

test('events are told from the moment they were asked for', async () => {
  using events = await libvirt.events('lifecycle');
  using all = await libvirt.events();
  await using vm = await domain('heard');
  await vm.start();
  await vm.destroy();
  const heard: unknown[] = [];
  for await (const event of events) {
    expect([event.domainName, event.domainUuid]).toEqual(['heard', vm.uuid]);
    heard.push(event.happened);
    if (event.happened === 'stopped') break;
  }
  expect(heard).toEqual(['defined', 'resumed', 'started', 'shutdown', 'stopped']);
  const iterator = all[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toMatchObject({ kind: 'lifecycle', happened: 'defined', detail: 0 });
});

test('a device that the machine lets go of is told by its alias', async () => {
  const disk = await pool.createVolume(volumeXml('hot.qcow2', 8 * mib, 'qcow2'));
  const xml = diskXml(await disk.path(), 'sda').replace("bus='virtio'", "bus='scsi'"); // needs no guest system
  {
    await using vm = await domain('hot', `<controller type='scsi' index='0' model='virtio-scsi'/>`);
    using events = await libvirt.events('device-removed', 'device-removal-failed');
    await vm.start();
    await vm.attachDevice(xml, { live: true });
    expect(await vm.xml()).toContain('ua-sda');
    await vm.detachDevice(xml, { live: true });
    for await (const event of events) {
      expect(event).toEqual({
        kind: 'device-removed',
        domainName: 'hot',
        domainUuid: vm.uuid,
        alias: 'ua-sda',
      });
      break;
    }
    expect(await vm.xml()).not.toContain('ua-sda');
  }
  await disk.delete();
});

test('a network carries addresses', async () => {
  const network = await libvirt.defineNetwork(
    `<network><name>n1</name><bridge name='vbr-n1' stp='off' delay='0'/>
     <ip address='10.99.7.1' prefix='24'><dhcp><range start='10.99.7.10' end='10.99.7.20'/></dhcp></ip></network>`,
  );
  expect(await network.isActive()).toBe(false);
  await network.start();
  expect(await network.bridgeName()).toBe('vbr-n1');
  expect((await libvirt.listNetworks()).map(({ name }) => name)).toEqual(['n1']);
  expect((await libvirt.findNetwork('n1'))?.uuid).toBe(network.uuid);
  const host = `<host mac='52:54:00:00:00:01' name='vm' ip='10.99.7.11'/>`;
  const change = { section: 'ip-dhcp-host', xml: host, live: true, config: true } as const;
  await network.update({ command: 'add-last', ...change });
  expect(await virsh('net-dumpxml', 'n1')).toContain("ip='10.99.7.11'");
  expect(await network.xml()).toContain("ip='10.99.7.11'");
  await network.update({ command: 'delete', ...change });
  expect(await network.leases()).toEqual([]);
  await network.setAutostart(true);
  expect(await virsh('net-info', 'n1')).toMatch(/Autostart:\s+yes/);

  const mac = '52:54:00:00:00:02';
  const wire = `<interface type='network'><mac address='${mac}'/><source network='n1'/></interface>`;
  await using vm = await domain('wired', wire);
  await vm.start();
  expect(await vm.interfaceAddresses('lease')).toEqual([]);
  // what libvirt's lease helper would write, had the guest a system that asks for an address
  const expiry = Math.floor(Date.now() / 1000) + 3600;
  const lease = { 'ip-address': '10.99.7.12', 'mac-address': mac, hostname: 'wired', 'expiry-time': expiry };
  await writeFile(join(daemon.folder, 'root/var/lib/libvirt/dnsmasq/vbr-n1.status'), JSON.stringify([lease]));
  expect(await network.leases()).toEqual([
    { mac, ip: '10.99.7.12', hostname: 'wired', expiresAt: new Date(expiry * 1000) },
  ]);
  const [nic] = await vm.interfaceAddresses('lease');
  expect(nic).toMatchObject({ mac, addresses: [{ address: '10.99.7.12', prefix: 24 }] });
  await vm.destroy();
  await network.destroy();
  await network.undefine();
  expect(await libvirt.findNetwork('n1')).toBeUndefined();
});

test('a read-only connection looks and does not touch', async () => {
  await using reader = await connectLibvirt(daemon.uri, { readonly: true });
  expect(await reader.findPool('p1')).toBeDefined();
  expect((await refusal(reader.defineDomain(domainXml('no')))).message).toMatch(/read only|forbidden/);
});

test('a URI that no driver knows is refused by libvirt', async () => {
  const error = await refusal(connectLibvirt('nope:///system', { socketPath: daemon.socketPath }));
  expect(error.is(libvirtErrors.NO_CONNECT, libvirtErrors.CONFIG_UNSUPPORTED)).toBe(true);
});

test('ssh and virt-ssh-helper carry the protocol, both ways and in bulk', async () => {
  // a shell reads the words after --, as at the other end of a real ssh
  const ssh = `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift 2\nexec nsenter -m -t ${daemon.pid} sh -c "exec $*"\n`;
  await using programs = await mkdtempDisposable(join(tmpdir(), 'path-'));
  await writeFile(join(programs.path, 'ssh'), ssh, { mode: 0o755 });
  vi.stubEnv('PATH', `${programs.path}:${process.env.PATH}`);
  await using remote = await connectLibvirt('qemu+ssh://elsewhere/system');
  const volume = await (await remote.findPool('p1'))?.createVolume(volumeXml('far.raw', 16 * mib));
  const seed = randomBytes(mib);
  await volume?.upload(bytes(16 * mib, seed));
  expect(await digest(volume?.download() ?? bytes(0, seed))).toEqual(await digest(bytes(16 * mib, seed)));
  await volume?.delete();
});

test('a session daemon that does not run is started', async () => {
  await using home = await mkdtempDisposable(join(tmpdir(), 'home-'));
  await chown(home.path, nobody, nobody); // root has no session
  const asNobody = `setpriv --reuid=${nobody} --regid=${nobody} --clear-groups`;
  const helper = `#!/bin/sh\nexec ${asNobody} /usr/bin/virt-ssh-helper "$@"\n`;
  await writeFile(join(home.path, 'virt-ssh-helper'), helper, { mode: 0o755 });
  vi.stubEnv('PATH', `${home.path}:${process.env.PATH}`);
  for (const name of ['XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'HOME']) {
    vi.stubEnv(name, home.path);
  }
  {
    await using session = await connectLibvirt('qemu:///session', { connectTimeoutMs: 60_000 });
    expect(await session.listDomains()).toEqual([]);
  }
  const pid = Number(await readFile(join(home.path, 'libvirt', 'libvirtd.pid'), 'utf8'));
  try {
    vi.stubEnv('PATH', '/nowhere'); // now its socket is there: no helper is needed
    await using again = await connectLibvirt('qemu:///session');
    expect(await again.listPools()).toEqual([]);
  } finally {
    process.kill(pid, 'SIGTERM');
  }
  const gone = async () => ((await stat(`/proc/${pid}`).catch(() => undefined)) ? undefined : true);
  expect(await waitFor(gone, { timeoutMs: 10_000 })).toBe(true);
});
