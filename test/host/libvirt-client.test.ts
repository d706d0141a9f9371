/** The libvirt client against a real libvirtd and QEMU (emulated, no guest system); virsh is the second opinion. */
import { randomBytes } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Libvirt, libvirtErrors, type Pool } from '../../src/clients/libvirt/index.ts';
import { run } from '../../src/platform/process.ts';
import {
  bytes,
  digest,
  diskXml,
  domainXml,
  type LibvirtScene,
  mib,
  poolXml,
  refusal,
  startScene,
  volumeXml,
} from '../support/libvirt-scene.ts';

let scene: LibvirtScene;
let libvirt: Libvirt;
let pool: Pool;

beforeAll(async () => {
  scene = await startScene();
  ({ libvirt, pool } = scene);
});

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

test('the daemon says who it is', async () => {
  expect(await libvirt.libraryVersion()).toMatch(/^\d+\.\d+\.\d+$/);
  expect(await libvirt.hostname()).toBe(await scene.virsh('hostname'));
  expect(await libvirt.capabilities()).toContain('<capabilities>');
  expect(await refusal(libvirt.domainCapabilities({ arch: 'nope' }))).toMatchObject({
    libvirtCode: libvirtErrors.INVALID_ARG,
    procedure: 'domainCapabilities',
  });
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
  await using vm = await scene.domain('life');
  expect((await libvirt.listDomains()).map(({ name }) => name)).toContain('life');
  expect((await libvirt.findDomain('life'))?.uuid).toBe(vm.uuid);
  expect((await libvirt.findDomainByUuid(await scene.virsh('domuuid', 'life')))?.name).toBe('life');
  expect(await vm.isActive()).toBe(false);

  await vm.start({ paused: true });
  expect((await vm.state()).state).toBe('paused');
  await vm.resume();
  expect((await vm.state()).state).toBe('running');
  await vm.reset();
  await vm.suspend();
  expect(await scene.virsh('domstate', 'life')).toBe('paused');
  await vm.resume();
  await vm.reboot({ mode: 'acpi' });
  await vm.shutdown({ mode: 'acpi' }); // nobody in the guest hears it
  expect((await refusal(vm.start())).is(libvirtErrors.OPERATION_INVALID)).toBe(true);
  await vm.setAutostart(true);
  expect(await scene.virsh('dominfo', 'life')).toMatch(/Autostart:\s+enable/);
  await vm.destroy({ graceful: true });
  expect(await vm.state()).toEqual({ state: 'shut-off', reason: 2 });
  const error = await refusal(vm.destroy());
  expect(error).toMatchObject({ libvirtCode: libvirtErrors.OPERATION_INVALID, procedure: 'domainDestroy' });
  expect(error.message).toMatch(/not running \(domainDestroy of domain 'life'\)$/);
});

test('a domain without a definition is gone when it stops', async () => {
  const vm = await libvirt.createDomain(domainXml('passing'), { paused: true });
  expect((await vm.state()).state).toBe('paused');
  expect(await scene.virsh('list', '--transient', '--name')).toBe('passing');
  await vm.destroy();
  expect(await libvirt.findDomain('passing')).toBeUndefined();
  expect((await refusal(vm.xml())).is(libvirtErrors.NO_DOMAIN)).toBe(true);
});

test('a definition is held against libvirt’s schema if asked, and hides passwords unless asked', async () => {
  const wrong = domainXml('wrong').replace('<vcpu>1</vcpu>', '<vcpus>1</vcpus>');
  const error = await refusal(libvirt.defineDomain(wrong, { validate: true }));
  expect(error.is(libvirtErrors.XML_INVALID_SCHEMA)).toBe(true);
  await using vm = await scene.domain('secret', `<graphics type='vnc' passwd='sesam'/>`);
  expect(await vm.xml()).not.toContain('sesam');
  expect(await vm.xml({ secure: true, inactive: true })).toContain('sesam');
});

test('undefine takes with it what it is told to, and refuses to leave it behind unasked', async () => {
  const disk = await pool.createVolume(volumeXml('kept.qcow2', 8 * mib, 'qcow2'));
  const vm = await libvirt.defineDomain(domainXml('kept', diskXml(await disk.path(), 'vda')));
  await vm.createSnapshot('<domainsnapshot><name>s1</name></domainsnapshot>');
  expect((await refusal(vm.undefine())).is(libvirtErrors.OPERATION_INVALID)).toBe(true);
  await vm.undefine({ snapshotsMetadata: true, checkpointsMetadata: true, keepNvram: true, keepTpm: true });
  expect(await libvirt.findDomain('kept')).toBeUndefined();
  await disk.delete();
});

test('metadata, title and description are kept, live and for the next start', async () => {
  await using vm = await scene.domain('notes');
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
  expect(await vm.title({ live: true })).toBe('a title');
  expect(await vm.description({ config: true })).toBe('a description');
  expect(await scene.virsh('desc', '--title', 'notes')).toBe('a title');
  expect(await scene.virsh('desc', '--config', 'notes')).toBe('a description');
  await vm.setTitle(undefined, both);
  await vm.setDescription(undefined, both);
  expect([await vm.title({ live: true }), await vm.description()]).toEqual([undefined, undefined]);
});

test('devices come and go', async () => {
  const disk = await pool.createVolume(volumeXml('late.qcow2', 8 * mib, 'qcow2'));
  const path = await disk.path();
  await using vm = await scene.domain('devices');
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
  expect(await scene.virsh('dumpxml', '--inactive', 'devices')).toContain("cache='none'");
  await vm.detachDeviceAlias('ua-vdc', { config: true });
  expect(await vm.xml({ inactive: true })).not.toContain(path);
  expect(await refusal(vm.detachDevice(diskXml(path, 'vdz'), { config: true }))).toMatchObject({
    libvirtCode: libvirtErrors.DEVICE_MISSING,
  });
  await disk.delete();
});

test('memory is saved and read back', async () => {
  await using vm = await scene.domain('saved');
  await vm.start();
  await vm.managedSave();
  expect(await vm.isActive()).toBe(false);
  expect(await vm.hasManagedSave()).toBe(true);
  await vm.start();
  expect(await vm.hasManagedSave()).toBe(false);
  expect((await vm.state()).state).toBe('running');
  await vm.managedSave({ paused: true, bypassCache: true });
  await vm.start({ bypassCache: true });
  expect((await vm.state()).state).toBe('paused');
  await vm.managedSave({ running: true });
  await vm.start({ forceBoot: true });
  expect(await vm.state()).toEqual({ state: 'running', reason: 1 }); // booted, not restored
  expect(await vm.hasManagedSave()).toBe(false);
  await vm.managedSave();
  await vm.removeManagedSave();
  expect(await vm.hasManagedSave()).toBe(false);
});

test('a snapshot brings the machine and its disk back', async () => {
  const disk = await pool.createVolume(volumeXml('snap.qcow2', 8 * mib, 'qcow2', '<compat>1.1</compat>'));
  {
    await using vm = await scene.domain('snap', diskXml(await disk.path(), 'vda'));
    await vm.start();
    const snapshot = await vm.createSnapshot('<domainsnapshot><name>s1</name></domainsnapshot>');
    expect(snapshot.name).toBe('s1');
    expect(await snapshot.xml()).toContain('<state>running</state>');
    expect(await scene.virsh('snapshot-list', '--name', 'snap')).toBe('s1');
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

test('snapshots have children, are forgotten and made known again', async () => {
  const xml = (name: string) => `<domainsnapshot><name>${name}</name></domainsnapshot>`;
  const names = async () => (await vm.listSnapshots()).map(({ name }) => name).sort();
  const disk = await pool.createVolume(volumeXml('tree.qcow2', 8 * mib, 'qcow2', '<compat>1.1</compat>'));
  await using _disk = { [Symbol.asyncDispose]: () => disk.delete() };
  await using vm = await scene.domain('tree', diskXml(await disk.path(), 'vda'));
  await vm.start();
  const root = await vm.createSnapshot(xml('root'), { atomic: true });
  await vm.createSnapshot(xml('child'), { halt: true });
  expect((await vm.state()).state).toBe('shut-off');
  expect(await scene.virsh('snapshot-info', 'tree', 'child')).toMatch(/Parent:\s+root/);

  const known = await root.xml();
  await root.delete({ metadataOnly: true });
  expect(await names()).toEqual(['child']);
  await vm.createSnapshot(known, { redefine: true, current: true });
  expect(await scene.virsh('snapshot-current', 'tree', '--name')).toBe('root');
  await root.revert({ paused: true });
  expect((await vm.state()).state).toBe('paused');

  await vm.createSnapshot(xml('grandchild'));
  await root.delete({ childrenOnly: true });
  expect(await names()).toContain('root');
  await root.delete({ children: true });
  expect(await names()).not.toContain('root');
  const error = await refusal(root.delete());
  expect(error.is(libvirtErrors.NO_DOMAIN_SNAPSHOT)).toBe(true);
  expect(error.message).toContain("snapshotDelete of snapshot 'root' of domain 'tree'");
});

test('a pool tells what it is and what lies in it', async () => {
  expect((await libvirt.findPool('p1'))?.uuid).toBe(pool.uuid);
  expect((await libvirt.listPools()).map(({ name }) => name)).toContain('p1');
  const { state, capacityBytes, availableBytes } = await pool.info();
  expect(state).toBe('running');
  expect(availableBytes).toBeLessThanOrEqual(capacityBytes);
  expect(await pool.xml()).toContain(join(scene.daemon.folder, 'p1'));

  const made = await libvirt.definePool(poolXml('p2', join(scene.daemon.folder, 'p2')));
  expect(await made.isActive()).toBe(false);
  expect((await made.info()).state).toBe('inactive');
  await made.build();
  await made.start();
  await made.setAutostart(true);
  expect(await scene.virsh('pool-info', 'p2')).toMatch(/Autostart:\s+yes/);
  await made.destroy();
  await made.delete();
  await expect(stat(join(scene.daemon.folder, 'p2'))).rejects.toThrow('ENOENT');
  await made.undefine();
  expect(await libvirt.findPool('p2')).toBeUndefined();
});

test('volumes are made, cloned, resized and found', async () => {
  const volume = await pool.createVolume(volumeXml('one.raw', 3 * mib));
  const { type, capacityBytes } = await volume.info();
  expect({ type, capacityBytes }).toEqual({ type: 'file', capacityBytes: 3 * mib });
  expect(await volume.path()).toBe(join(scene.daemon.folder, 'p1', 'one.raw'));
  expect([volume.pool, volume.name, volume.key]).toEqual(['p1', 'one.raw', await volume.path()]);
  expect(await volume.xml()).toContain('<name>one.raw</name>');
  expect((await libvirt.findVolumeByPath(await volume.path()))?.name).toBe('one.raw');
  await volume.resize(5 * mib);
  expect((await volume.info()).capacityBytes).toBe(5 * mib);
  expect((await refusal(volume.resize(mib))).is(libvirtErrors.INVALID_ARG)).toBe(true);
  await volume.resize(4 * mib, { shrink: true });
  await volume.resize(5 * mib, { allocate: true });
  expect(await volume.info()).toMatchObject({ capacityBytes: 5 * mib, allocationBytes: 5 * mib });
  const exists = await refusal(pool.createVolume(volumeXml('one.raw', mib)));
  expect(exists.is(libvirtErrors.STORAGE_VOL_EXIST)).toBe(true);

  await volume.upload(bytes(5 * mib, randomBytes(65_536)));
  const clone = await pool.cloneVolume(volumeXml('two.raw', 5 * mib), volume);
  expect(await digest(clone.download())).toEqual(await digest(volume.download()));
  await pool.refresh();
  expect((await pool.listVolumes()).map(({ name }) => name).sort()).toEqual(['one.raw', 'two.raw']);
  const prepared = await pool.createVolume(volumeXml('three.qcow2', 64 * mib, 'qcow2'), {
    preallocateMetadata: true,
  });
  expect(await scene.virsh('vol-list', 'p1', '--details')).toMatch(/three\.qcow2\s.*64\.00 MiB/);
  await prepared.delete();
  await volume.delete();
  await clone.delete();
  expect(await pool.listVolumes()).toEqual([]);
});

test('events are told from the moment they were asked for', async () => {
  using events = await libvirt.events('lifecycle');
  using all = await libvirt.events();
  await using vm = await scene.domain('heard');
  await vm.start();
  await vm.destroy();
  const heard: unknown[] = [];
  for await (const event of events) {
    expect([event.domainName, event.domainUuid]).toEqual(['heard', vm.uuid]);
    if (event.kind === 'lifecycle') heard.push(event.happened);
    if (heard.at(-1) === 'stopped') break;
  }
  expect(heard).toEqual(['defined', 'resumed', 'started', 'shutdown', 'stopped']);
  const iterator = all[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toMatchObject({ kind: 'lifecycle', happened: 'defined', detail: 0 });
});

test('a reset is told', async () => {
  await using vm = await scene.domain('again');
  using events = await libvirt.events('reboot');
  await vm.start();
  await vm.reset();
  for await (const event of events) {
    expect(event).toEqual({ kind: 'reboot', domainName: 'again', domainUuid: vm.uuid });
    break;
  }
});

test('a device that the machine takes and lets go of is told by its alias', async () => {
  const disk = await pool.createVolume(volumeXml('hot.qcow2', 8 * mib, 'qcow2'));
  const xml = diskXml(await disk.path(), 'sda').replace("bus='virtio'", "bus='scsi'"); // needs no guest system
  {
    await using vm = await scene.domain('hot', `<controller type='scsi' index='0' model='virtio-scsi'/>`);
    using events = await libvirt.events('device-added', 'device-removed', 'device-removal-failed');
    await vm.start();
    await vm.attachDevice(xml, { live: true });
    expect(await vm.xml()).toContain('ua-sda');
    await vm.detachDevice(xml, { live: true });
    const about = { domainName: 'hot', domainUuid: vm.uuid, alias: 'ua-sda' };
    const iterator = events[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual({ kind: 'device-added', ...about });
    expect((await iterator.next()).value).toEqual({ kind: 'device-removed', ...about });
    expect(await vm.xml()).not.toContain('ua-sda');
  }
  await disk.delete();
});

test('a disk of a running machine is copied, and the end of it told', async () => {
  const volume = await pool.createVolume(volumeXml('copied.qcow2', 2 * mib, 'qcow2'));
  const { folder } = scene.daemon;
  await run(['qemu-io', '-f', 'qcow2', '-c', 'write -P 7 1M 64k', await volume.path()]);
  await using domain = await scene.domain('copied', diskXml(await volume.path(), 'vda'));
  await domain.start({ paused: true });
  expect(await domain.blockInfo('vda')).toMatchObject({ capacityBytes: 2 * mib });
  using events = await libvirt.events('job-completed');
  const backup = (name: string) =>
    `<domainbackup><disks><disk name='vda' type='file'><target file='${folder}/p1/${name}'/></disk></disks></domainbackup>`;
  const copy = await pool.createVolume(volumeXml('copy.qcow2', 2 * mib, 'qcow2'));
  await domain.beginBackup(backup('copy.qcow2'), { reuseTargets: true });
  const { value } = await events[Symbol.asyncIterator]().next();
  expect(value).toMatchObject({ kind: 'job-completed', domainName: 'copied', operation: 9, succeeded: true });
  await domain.blockInfo('vda');
  await run(['qemu-io', '-r', '-f', 'qcow2', '-c', 'read -P 7 1M 64k', await copy.path()]);
  expect(await refusal(domain.beginBackup(backup('copy.qcow2')))).toMatchObject({ libvirtCode: 8 });
  expect((await refusal(domain.abortJob())).is(libvirtErrors.OPERATION_INVALID)).toBe(true);
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
  expect(await scene.virsh('net-dumpxml', 'n1')).toContain("ip='10.99.7.11'");
  expect(await network.xml()).toContain("ip='10.99.7.11'");
  const renamed = { ...change, xml: host.replace("name='vm'", "name='other'") };
  await network.update({ command: 'modify', ...renamed });
  expect(await network.xml()).toContain("name='other'");
  await network.update({ command: 'delete', ...renamed });
  const group = `<portgroup name='fast'/>`;
  await network.update({ command: 'add-first', section: 'portgroup', xml: group, live: true, config: true });
  expect(await scene.virsh('net-dumpxml', '--inactive', 'n1')).toContain("<portgroup name='fast'>");
  const record = `<host ip='10.99.7.30'><hostname>thirty</hostname></host>`;
  await network.update({ command: 'add-last', section: 'dns-host', xml: record, live: true, config: false });
  expect(await network.xml()).toContain('thirty');
  expect(await network.leases()).toEqual([]);
  await network.setAutostart(true);
  expect(await scene.virsh('net-info', 'n1')).toMatch(/Autostart:\s+yes/);

  const mac = '52:54:00:00:00:02';
  const wire = `<interface type='network'><mac address='${mac}'/><source network='n1'/></interface>`;
  await using vm = await scene.domain('wired', wire);
  await vm.start();
  expect(await vm.interfaceAddresses('lease')).toEqual([]);
  // what libvirt's lease helper would write, had the guest a system that asks for an address
  const expiry = Math.floor(Date.now() / 1000) + 3600;
  const lease = { 'ip-address': '10.99.7.12', 'mac-address': mac, hostname: 'wired', 'expiry-time': expiry };
  await writeFile(
    join(scene.daemon.folder, 'root/var/lib/libvirt/dnsmasq/vbr-n1.status'),
    JSON.stringify([lease]),
  );
  expect(await network.leases()).toEqual([
    { mac, ip: '10.99.7.12', hostname: 'wired', expiresAt: new Date(expiry * 1000) },
  ]);
  const [nic] = await vm.interfaceAddresses('lease');
  expect(nic).toMatchObject({ mac, addresses: [{ address: '10.99.7.12', prefix: 24 }] });
  expect((await refusal(vm.interfaceAddresses('agent'))).is(libvirtErrors.ARGUMENT_UNSUPPORTED)).toBe(true);
  await vm.destroy();
  await network.destroy();
  await network.undefine();
  expect(await libvirt.findNetwork('n1')).toBeUndefined();
});

test('a network without a definition is gone when it stops', async () => {
  const network = await libvirt.createNetwork(`<network><name>n2</name><bridge name='vbr-n2'/></network>`);
  expect(await network.isActive()).toBe(true);
  expect(await scene.virsh('net-info', 'n2')).toMatch(/Persistent:\s+no/);
  await network.destroy();
  expect(await libvirt.findNetwork('n2')).toBeUndefined();
});
