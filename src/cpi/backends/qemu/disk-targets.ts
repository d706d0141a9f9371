import type { DiskHint, GuestDisks } from '../../backend.ts';
import type { DiskBus } from './vm-properties.ts';

/** On SCSI the first name and address belong to the drive with the settings. */
const firstNumber = { virtio: 0, scsi: 1 } as const;
const prefixes = { virtio: 'vd', scsi: 'sd' } as const;

/** The name of the bus's disk number `number`: vda, vdb …; on SCSI sdb, sdc … */
export const diskTarget = (bus: DiskBus, number: number): string =>
  `${prefixes[bus]}${letters(firstNumber[bus] + number)}`;

/** Which bus a name stands for. */
export const busOf = (target: string): DiskBus => (target.startsWith('sd') ? 'scsi' : 'virtio');

/** What the letters of a name count to: vda is 0, sdb 1, vdaa 26. */
export function diskNumber(target: string): number {
  const digits = [...target.slice(2)].map((letter) => letter.charCodeAt(0) - 96);
  return digits.reduce((number, digit) => number * 26 + digit, 0) - 1;
}

/**
 * How the guest's agent finds a disk by its serial number, whatever its kernel calls it (libvirt-spikes.md 8). An agent that
 * expects SCSI disks wants an `id` too, and leaves dashes out of it (contract 2.4): the digits of a CID say enough.
 */
export function diskHint(bus: DiskBus, serial: string): DiskHint & { readonly path: string } {
  if (bus === 'virtio') return { path: `/dev/disk/by-id/virtio-${serial}` };
  return {
    path: `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}`,
    id: serial.split('-').at(-1) ?? serial,
  };
}

/** Where the guest finds the disks that it starts with. */
export function ownDisks(bus: DiskBus, hasEphemeral: boolean): GuestDisks {
  const [system, ephemeral] =
    bus === 'virtio' ? ['/dev/vda', '/dev/vdb'] : [diskHint(bus, 'root').path, diskHint(bus, 'ephemeral')];
  return { system, ephemeral: hasEphemeral ? ephemeral : undefined };
}

/** 0 → a, 25 → z, 26 → aa. */
function letters(at: number): string {
  const last = String.fromCharCode(97 + (at % 26));
  return at < 26 ? last : letters(Math.floor(at / 26) - 1) + last;
}
