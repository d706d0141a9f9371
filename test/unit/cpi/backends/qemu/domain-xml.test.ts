import { expect, test } from 'vitest';
import { parseXml, type XmlElement } from '../../../../../src/clients/libvirt/index.ts';
import type { StemcellCid, VmCid } from '../../../../../src/cpi/backend.ts';
import { type DomainFacts, diskXml, domainXml } from '../../../../../src/cpi/backends/qemu/domain-xml.ts';
import { parseVmProperties, type VmProperties } from '../../../../../src/cpi/backends/qemu/vm-properties.ts';
import { silentLog } from '../../../../../src/platform/log.ts';

const vm = 'vm-0123456789abcdef0' as VmCid;
const defaults = { machine: 'pc', infrastructure: undefined } as const;
const facts: DomainFacts = {
  type: 'qemu',
  folder: '/pool',
  diskFolder: '/pool',
  environment: `it's <mine>`,
  spec: {
    cid: vm,
    agentId: 'agent "1"',
    stemcell: 'sc-0123456789abcdef0' as StemcellCid,
    cloudProperties: {},
    nics: [
      {
        networks: ['default', 'v6'],
        hostNetwork: 'net-b',
        mac: '52:54:00:aa:bb:cc',
        ips: ['10.0.0.6', 'fd00::6'],
      },
      { networks: ['second'], hostNetwork: 'net-a', mac: '52:54:00:aa:bb:cd', ips: [] },
    ],
    networks: {},
  },
  properties: parseVmProperties({ cpus: 2, memory: 512, ephemeral_disk: 1024 }, defaults, silentLog),
};

function domain(changes: Partial<VmProperties> = {}, type: DomainFacts['type'] = 'qemu'): XmlElement {
  const properties = { ...facts.properties, ...changes };
  const root = parseXml(domainXml({ ...facts, type, properties })).child('domain');
  if (!root) throw new Error('no domain');
  return root;
}
const devices = (root: XmlElement, name: string): XmlElement[] => root.child('devices')?.children(name) ?? [];

test('the size and the place of everything are as asked', () => {
  const root = domain();
  expect(root.attribute('type')).toBe('qemu');
  expect([root.child('name')?.text, root.child('title')?.text]).toEqual([vm, "BOSH VM of it's <mine>"]);
  expect([root.child('memory')?.attribute('unit'), root.child('memory')?.text]).toEqual(['MiB', '512']);
  expect(root.child('vcpu')?.text).toBe('2');
  expect(root.at('os', 'type')?.attribute('machine')).toBe('pc');
  expect(root.at('features', 'acpi')).toBeDefined(); // without it no disk can be plugged in while the VM runs
  expect(root.at('devices', 'serial', 'log')?.attribute('file')).toBe(`/pool/${vm}-console.log`);
});

test('the guest sees root disk, ephemeral disk and a read-only drive with its settings, in this order', () => {
  const disks = devices(domain(), 'disk').map((disk) => ({
    file: disk.child('source')?.attribute('file'),
    as: `${disk.child('target')?.attribute('bus')} ${disk.child('target')?.attribute('dev')}`,
    serial: disk.child('serial')?.text,
    readonly: disk.child('readonly') !== undefined,
  }));
  expect(disks).toEqual([
    { file: `/pool/${vm}-root.qcow2`, as: 'virtio vda', serial: 'root', readonly: false },
    { file: `/pool/${vm}-ephemeral.qcow2`, as: 'virtio vdb', serial: 'ephemeral', readonly: false },
    { file: `/pool/${vm}-config.iso`, as: 'scsi sda', serial: undefined, readonly: true },
  ]);
  expect(devices(domain({ ephemeralDiskMb: 0 }), 'disk')).toHaveLength(2);
});

test('NICs keep their order, and the record has what BOSH calls them', () => {
  const root = domain();
  const nics = devices(root, 'interface').map((nic) => [
    nic.child('mac')?.attribute('address'),
    nic.child('source')?.attribute('network'),
  ]);
  expect(nics).toEqual([
    ['52:54:00:aa:bb:cc', 'net-b'],
    ['52:54:00:aa:bb:cd', 'net-a'],
  ]);
  const record = root.at('metadata', 'vm');
  expect(record?.attribute('environment')).toBe("it's <mine>");
  expect([record?.attribute('agent'), record?.attribute('stemcell')]).toEqual([
    'agent "1"',
    'sc-0123456789abcdef0',
  ]);
  const named = (nic: XmlElement, child: string, attribute: string) =>
    nic.children(child).map((each) => each.attribute(attribute));
  expect(
    record?.children('nic').map((nic) => [named(nic, 'network', 'name'), named(nic, 'ip', 'address')]),
  ).toEqual([
    [
      ['default', 'v6'],
      ['10.0.0.6', 'fd00::6'],
    ],
    [['second'], []],
  ]);
});

test('q35 has root ports to spare, pc needs none', () => {
  const ports = (machine: 'pc' | 'q35') =>
    devices(domain({ machine }), 'controller').filter(
      (controller) => controller.attribute('model') === 'pcie-root-port',
    );
  expect(ports('pc')).toEqual([]);
  expect(ports('q35').length).toBeGreaterThanOrEqual(20);
});

test('with KVM the guest has the host’s processor, emulated a plain one', () => {
  expect(domain({}, 'kvm').child('cpu')?.attribute('mode')).toBe('host-passthrough');
  expect(domain().at('cpu', 'model')?.text).toBe('qemu64');
});

test('on SCSI each disk has a target of its own on the one controller, after the drive with the settings', () => {
  const disks = devices(domain({ diskBus: 'scsi' }), 'disk').map((disk) => [
    disk.child('target')?.attribute('dev'),
    disk.child('target')?.attribute('bus'),
    disk.child('address')?.attribute('controller'),
    disk.child('address')?.attribute('target'),
  ]);
  expect(disks).toEqual([
    ['sdb', 'scsi', '0', '1'],
    ['sdc', 'scsi', '0', '2'],
    ['sda', 'scsi', undefined, undefined],
  ]);
  expect(devices(domain({ diskBus: 'scsi' }), 'controller').map((each) => each.attribute('model'))).toEqual([
    'virtio-scsi',
  ]);
});

test('UEFI is libvirt’s to choose, without Secure Boot', () => {
  const os = domain({ firmware: 'uefi' }).child('os');
  expect(os?.attribute('firmware')).toBe('efi');
  expect(os?.at('firmware', 'feature')?.attribute('enabled')).toBe('no');
  expect(domain().child('os')?.attribute('firmware')).toBeUndefined();
});

test('further devices are among the others; virtiofs gets memory that can be shared, a screen takes the place of none', () => {
  const filesystem =
    '<filesystem type="mount"><driver type="virtiofs"/><source dir="/srv"/><target dir="srv"/></filesystem>';
  const root = domain({ devices: [filesystem, '<video><model type="virtio"/></video>'] });
  expect(devices(root, 'filesystem')[0]?.child('target')?.attribute('dir')).toBe('srv');
  expect(root.at('memoryBacking', 'access')?.attribute('mode')).toBe('shared');
  const videos = (of: XmlElement) =>
    devices(of, 'video').map((each) => each.child('model')?.attribute('type'));
  expect([videos(root), videos(domain())]).toEqual([['virtio'], ['none']]);
  expect(domain().child('memoryBacking')).toBeUndefined();
});

test('a persistent disk is known by its CID, as serial and as alias', () => {
  const disk = parseXml(diskXml({ path: '/p/a', target: 'vdc', serial: 'disk-0123456789abcde' })).child(
    'disk',
  );
  expect(disk?.child('serial')?.text).toBe('disk-0123456789abcde');
  expect(disk?.child('alias')?.attribute('name')).toBe('ua-disk-0123456789abcde');
  expect(disk?.child('driver')?.attribute('type')).toBe('qcow2');
});
