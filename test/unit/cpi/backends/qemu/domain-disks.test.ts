import { expect, test } from 'vitest';
import { disksIn, freeTarget } from '../../../../../src/cpi/backends/qemu/domain-disks.ts';

/** As libvirt 9.0 shows a running VM: with what stands behind the disks. */
const xml = `<domain type='qemu' id='3'><devices>
  <disk type='file' device='disk'>
    <driver name='qemu' type='qcow2' discard='unmap'/>
    <source file='/pool/vm-1-root.qcow2' index='3'/>
    <backingStore type='file' index='4'><format type='raw'/><source file='/pool/sc-1.img'/><backingStore/></backingStore>
    <target dev='vda' bus='virtio'/><serial>root</serial><alias name='ua-root'/>
  </disk>
  <disk type='file' device='disk'>
    <source file='/pool/it&apos;s.qcow2' index='6'/>
    <target dev='vdc' bus='virtio'/><serial>disk-0123456789abcde</serial>
  </disk>
  <disk type='block' device='disk'>
    <source dev='/dev/sdx'/><target dev='vdd' bus='virtio'/><serial>disk-of-somebody</serial>
  </disk>
  <disk type='file' device='disk'>
    <source file='/elsewhere'/><target dev='vde' bus='virtio'/><serial>disk-of-somebody</serial>
  </disk>
  <disk type='file' device='cdrom'><target dev='sda' bus='scsi'/><readonly/></disk>
</devices></domain>`;

test('disks in files are read, ours by their CID', () => {
  expect(disksIn(xml)).toEqual([
    { target: 'vda', path: '/pool/vm-1-root.qcow2', diskCid: undefined },
    { target: 'vdc', path: `/pool/it's.qcow2`, diskCid: 'disk-0123456789abcde' },
    { target: 'vde', path: '/elsewhere', diskCid: undefined },
  ]);
});

test('a domain without devices has no disks', () => {
  expect(disksIn('<domain/>')).toEqual([]);
});

test('the first free name is free in all definitions, whatever kind of disk has the others', () => {
  const having = (...names: string[]) =>
    `<domain><devices>${names.map((name) => `<disk><source file='/${name}'/><target dev='${name}'/></disk>`).join('')}</devices></domain>`;
  expect(freeTarget([xml])).toBe('vdb');
  expect(freeTarget([having('vda', 'vdc'), having('vda', 'vdb')])).toBe('vdd');
  const all = Array.from({ length: 26 }, (_, at) => `vd${String.fromCharCode(97 + at)}`);
  expect(freeTarget([having(...all)])).toBe('vdaa');
  expect(freeTarget([having(...all, 'vdaa')])).toBe('vdab');
  expect(freeTarget([having('vda', 'vdb', 'vdc'), xml])).toBe('vdf');
});
