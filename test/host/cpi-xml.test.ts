/** Every document that the qemu backend gives libvirt, held against libvirt's own schemas. */
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JsonObject, StemcellCid, VmCid, VmSpec } from '../../src/cpi/backend.ts';
import { diskXml, domainXml } from '../../src/cpi/backends/qemu/domain-xml.ts';
import { parseVmProperties } from '../../src/cpi/backends/qemu/vm-properties.ts';
import { waysOf, withWays } from '../../src/cpi/on-libvirt/networks/ways.ts';
import { volumeXml } from '../../src/cpi/on-libvirt/volumes.ts';
import { silentLog } from '../../src/platform/log.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { escapeXml, fillTemplate, markup } from '../../src/platform/template.ts';

/** Characters that XML has uses for, wherever a user may choose a name. */
const odd = `<&"'>é`;
const spec: VmSpec = {
  cid: 'vm-0123456789abcdef0' as VmCid,
  agentId: odd,
  stemcell: 'sc-0123456789abcdef0' as StemcellCid,
  cloudProperties: {},
  nics: [
    { networks: [odd], hostNetwork: 'default', mac: '52:54:00:aa:bb:cc', ips: ['10.0.0.6'] },
    { networks: ['second'], hostNetwork: 'other', mac: '52:54:00:aa:bb:cd', ips: [] },
  ],
  networks: {},
};
const folder = `/var/lib/it's a <pool> & more`;
const domainOf = (type: 'kvm' | 'qemu', properties: JsonObject = {}) =>
  domainXml({
    type,
    folder,
    diskFolder: folder,
    environment: odd,
    spec,
    properties: parseVmProperties(properties, { machine: 'pc', infrastructure: undefined }, silentLog),
  });

const share =
  '<filesystem type="mount"><driver type="virtiofs"/><source dir="/srv"/><target dir="srv"/></filesystem>';
const volume = { name: 'a', capacityBytes: 10 ** 12 } as const;
const networkHoles = {
  name: 'n',
  environment: odd,
  bridge: 'virbr7',
  domain: 'bosh.test',
  gateway: '10.0.0.1',
  prefixLength: 24,
};

const ways = waysOf({
  routes: [{ cidr: '10.244.0.0/16', via: '10.0.0.10' }],
  wildcards: [{ domain: 'bosh.test', ip: '10.244.0.34' }],
});

const managedNetwork = (forward: string) =>
  fillTemplate('libvirt/managed-network.xml', {
    cid: 'net-0123456789abcdef',
    environment: odd,
    forward: markup(forward),
    bridge: 'virbr8',
    family: 'ipv6',
    gateway: 'fd00::1',
    prefixLength: 64,
  });

/** By the schema's name and what is special about the document. */
const documents: [schema: string, what: string, xml: string][] = [
  ['domain', 'on kvm', domainOf('kvm')],
  ['domain', 'emulated', domainOf('qemu')],
  ['domain', 'on q35', domainOf('qemu', { machine: 'q35' })],
  ['domain', 'without an ephemeral disk', domainOf('qemu', { ephemeral_disk: 0 })],
  ['domain', 'with disks on SCSI', domainOf('qemu', { disk_bus: 'scsi' })],
  ['domain', 'with UEFI', domainOf('qemu', { firmware: 'uefi' })],
  ['domain', 'with a named processor', domainOf('qemu', { cpu_model: 'Haswell' })],
  ['domain', 'with the host’s processor', domainOf('kvm', { cpu_model: 'host-model' })],
  ['domain', 'with further devices', domainOf('qemu', { devices: [share, '<watchdog model="i6300esb"/>'] })],
  ['storagevol', 'qcow2', volumeXml({ ...volume, format: 'qcow2', mode: '0600' })],
  ['storagevol', 'raw and empty', volumeXml({ name: odd, capacityBytes: 0, format: 'raw' })],
  [
    'storagevol',
    'on a backing file',
    volumeXml({ ...volume, format: 'qcow2', backing: { path: `${folder}/b`, format: 'raw' } }),
  ],
  ['storagepool', 'of a folder', fillTemplate('libvirt/pool.xml', { name: 'p', path: folder })],
  ['network', 'with NAT', fillTemplate('libvirt/network.xml', networkHoles)],
  ['network', 'with routes and names', withWays(fillTemplate('libvirt/network.xml', networkHoles), ways)],
  [
    'network',
    'that others are joined to',
    fillTemplate('libvirt/joined-network.xml', { name: 'n', environment: odd, bridge: 'virbr7' }),
  ],
  [
    'domainbackup',
    'of one disk',
    fillTemplate('qemu/backup.xml', { target: 'vdc', path: `${folder}/${odd}` }),
  ],
  ['network', 'of a director', managedNetwork('<forward mode="nat"><nat ipv6="yes"/></forward>')],
  ['network', 'of a director, isolated', managedNetwork('')],
  ['domainsnapshot', 'of all disks', fillTemplate('qemu/snapshot.xml', { name: odd, description: odd })],
];

test.each(documents)('%s %s', async (schema, _, xml) => {
  await expect(validate(schema, xml)).resolves.toBe('valid');
});

test('a disk that is plugged in later looks like one that is there from the start', () => {
  const disk = { path: `${folder}/${spec.cid}-root.qcow2`, target: 'vda', serial: 'root' };
  expect(diskXml(disk)).toContain(`<source file="${escapeXml(disk.path)}"/>`);
  expect(domainOf('qemu')).toContain(diskXml(disk));
});

test('every template of the backend is among these documents', async () => {
  const partials = [
    'backing.xml',
    'cpu.xml',
    'dhcp-host.xml',
    'disk.xml',
    'dnsmasq-option.xml',
    'dnsmasq-options.xml',
    'network-route.xml',
    'nic.xml',
  ];
  const whole = [
    'backup.xml',
    'domain.xml',
    'joined-network.xml',
    'managed-network.xml',
    'network.xml',
    'pool.xml',
    'snapshot.xml',
    'volume.xml',
  ];
  const files = await Promise.all(
    ['qemu', 'libvirt'].map((room) => readdir(join(packageRoot(), 'templates', room))),
  );
  const documents = files.flat().filter((name) => !name.endsWith('-record.xml')); // records are parts of metadata
  expect(documents.sort()).toEqual([...partials, ...whole].sort());
});

test('the schemas do refuse what is wrong', async () => {
  await expect(validate('domain', domainOf('qemu').replace('<vcpu>', '<vcpus>'))).rejects.toThrow();
  await expect(
    validate(
      'network',
      fillTemplate('libvirt/network.xml', networkHoles).replace('bridge name', 'bridge nam'),
    ),
  ).rejects.toThrow('fails to validate');
});

async function validate(schema: string, xml: string): Promise<string> {
  await using folderOfFile = await mkdtempDisposable(join(tmpdir(), 'boshvirt-xml-'));
  const path = join(folderOfFile.path, 'document.xml');
  await writeFile(path, xml);
  await run(['virt-xml-validate', path, schema]);
  return 'valid';
}
