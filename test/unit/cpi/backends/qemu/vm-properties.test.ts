import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseVmProperties } from '../../../../../src/cpi/backends/qemu/vm-properties.ts';
import { lineLog, silentLog } from '../../../../../src/platform/log.ts';
import { packageRoot } from '../../../../../src/platform/package-root.ts';

const defaults = { machine: 'pc', infrastructure: undefined } as const;
const parse = (properties: object) => parseVmProperties({ ...properties }, defaults, silentLog);

test('what is not said has a default, sizes in MiB', () => {
  expect(parse({})).toEqual({
    cpus: 1,
    memoryMb: 1024,
    ephemeralDiskMb: 5120,
    rootDiskMb: 0,
    cpuModel: undefined,
    machine: 'pc',
    firmware: 'bios',
    diskBus: 'virtio',
    storagePool: undefined,
    devices: [],
  });
});

const watchdog = '<watchdog model="i6300esb" action="reset"/>';
const everything = {
  cpus: 4,
  memory: 2048,
  ephemeral_disk: 0,
  root_disk: 10240,
  ports: [{ host: 8080, guest: 80 }],
  cpu_model: 'Haswell-noTSX',
  machine: 'q35',
  firmware: 'uefi',
  disk_bus: 'scsi',
  storage_pool: 'fast',
  devices: [watchdog],
};

test('everything can be said', () => {
  expect(parse(everything)).toEqual({
    cpus: 4,
    memoryMb: 2048,
    ephemeralDiskMb: 0,
    rootDiskMb: 10240,
    cpuModel: 'Haswell-noTSX',
    machine: 'q35',
    firmware: 'uefi',
    diskBus: 'scsi',
    storagePool: 'fast',
    devices: [watchdog],
  });
});

test('other CPIs’ words for the same are understood, and must not contradict', () => {
  expect(parse({ cpu: 2, ram: 512 })).toMatchObject({ cpus: 2, memoryMb: 512 });
  expect(parse({ cpu: 2, cpus: 2 })).toMatchObject({ cpus: 2 });
  expect(() => parse({ cpu: 2, cpus: 4 })).toThrow('cloud_properties.cpu: 2 contradicts cpus: 4');
});

test('UEFI gets the machine type that every distribution’s firmware knows, unless another one is named', () => {
  expect(parse({ firmware: 'uefi' }).machine).toBe('q35');
  expect(parse({ firmware: 'uefi', machine: 'pc' }).machine).toBe('pc');
});

test('a vsphere stemcell gets UEFI and SCSI disks unless the VM type says otherwise', () => {
  const on = (properties: object) =>
    parseVmProperties({ ...properties }, { machine: 'pc', infrastructure: 'vsphere' }, silentLog);
  expect(on({})).toMatchObject({ firmware: 'uefi', diskBus: 'scsi', machine: 'q35' });
  expect(on({ firmware: 'bios', disk_bus: 'virtio' })).toMatchObject({
    firmware: 'bios',
    diskBus: 'virtio',
    machine: 'pc',
  });
});

test('unknown keys are told and ignored, slips as such', () => {
  let log = '';
  parseVmProperties(
    { memroy: 2, instance_type: 'm5.large' },
    defaults,
    lineLog((line) => (log += line)),
  );
  expect(log).toMatch(
    /warn VM cloud_properties that this backend does not know are ignored: memroy \(did you mean memory\?\), instance_type\n/,
  );
});

test.each([
  ['text for a number', { memory: '1024' }, 'cloud_properties.memory: '],
  ['half a processor', { cpus: 0.5 }, 'cloud_properties.cpus: '],
  ['no processor', { cpus: 0 }, 'cloud_properties.cpus: '],
  ['a processor’s name for their number', { cpu: 'host-passthrough' }, 'cloud_properties.cpu: '],
  ['less memory than any guest needs', { memory: 16 }, 'cloud_properties.memory: '],
  ['a negative size', { root_disk: -1 }, 'cloud_properties.root_disk: '],
  ['a hash for a size', { ephemeral_disk: { size: 1024 } }, 'cloud_properties.ephemeral_disk: '],
  ['two faults', { cpus: 'x', ephemeral_disk: null }, '; cloud_properties.ephemeral_disk: '],
  ['markup for a model', { cpu_model: '<x/>' }, 'cloud_properties.cpu_model: not the name of'],
  ['a machine that there is not', { machine: 'virt' }, 'cloud_properties.machine: '],
  ['a firmware that there is not', { firmware: 'uboot' }, 'cloud_properties.firmware: '],
  ['a bus that there is not', { disk_bus: 'ide' }, 'cloud_properties.disk_bus: '],
  ['no name of a pool', { storage_pool: '' }, 'cloud_properties.storage_pool: '],
  ['one device for a list', { devices: '<hostdev/>' }, 'cloud_properties.devices: '],
  ['no XML', { devices: ['<hub type="usb"/>', 'usb'] }, 'cloud_properties.devices.1: no XML element'],
  ['broken XML', { devices: ['<hostdev>'] }, 'cloud_properties.devices.0: <hostdev> is not one well-formed'],
  ['two in one', { devices: ['<rng/><rng/>'] }, 'devices.0: <rng> is not one well-formed'],
  ['what is no device', { devices: ['<hosdev/>'] }, 'did you mean <hostdev>?'],
  ['a disk', { devices: ['<disk/>'] }, 'devices.0: <disk> is refused: disks are BOSH’s'],
  ['a network card', { devices: ['<interface/>'] }, 'network cards are BOSH’s'],
])('%s is refused by the key’s name', (_, properties, message) => {
  expect(() => parse(properties)).toThrow(message);
});

test('the documented keys are those that there are', () => {
  const page = readFileSync(join(packageRoot(), 'docs/cloud-properties.md'), 'utf8');
  const vmTables = page.slice(0, page.indexOf('On `lxc` besides'));
  const keys = [...vmTables.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
  expect(keys).toEqual(Object.keys(everything));
  for (const [, device] of (/`devices` takes([^.]*)/.exec(page)?.[1] ?? '').matchAll(/`(\w+)`/g))
    expect(parse({ devices: [`<${device}/>`] }).devices).toHaveLength(1);
});
