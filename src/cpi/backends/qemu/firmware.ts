import { parseXml } from '../../../clients/libvirt/index.ts';
import { CloudError } from '../../errors.ts';

/**
 * UEFI is libvirt's to choose, by the descriptions that distributions put beside their images. Without Secure Boot: the kernels
 * of stemcells are not signed, and libvirt would take the first description, which asks for it (libvirt-spikes.md 6).
 */
export const uefi = {
  attribute: ' firmware="efi"',
  features: '<firmware><feature enabled="no" name="secure-boot"/></firmware>',
} as const;

/** Throws a CloudError that names the missing package; `capabilities` is libvirt's XML for this kind of VM. */
export function refuseMissingUefi(capabilities: string, machine: string): void {
  const enums = parseXml(capabilities).at('domainCapabilities', 'os')?.children('enum') ?? [];
  const firmwares = enums.find((each) => each.attribute('name') === 'firmware')?.children('value') ?? [];
  if (firmwares.some(({ text }) => text === 'efi')) return;
  throw new CloudError(
    'CloudError',
    `cloud_properties.firmware: the hypervisor's machine has no UEFI firmware for machine type ${machine}`,
    {
      hints: [
        'install it there: the package ovmf on Debian and Ubuntu, edk2-ovmf on Fedora, or set firmware: bios',
      ],
    },
  );
}

/**
 * Throws NotSupported for a VM whose UEFI variables lie in a raw file: its state would have to be kept with those of the disks,
 * and libvirt refuses it only after the VM was asked.
 */
export function refuseUefiSnapshot(domainXml: string, vm: string): void {
  const os = parseXml(domainXml).at('domain', 'os');
  const isUefi = os?.attribute('firmware') === 'efi' || os?.child('loader')?.attribute('type') === 'pflash';
  if (!isUefi || os?.child('nvram')?.attribute('format') === 'qcow2') return;
  throw new CloudError('NotSupported', `VM ${vm} boots by UEFI, and libvirt takes no snapshots of such VMs`, {
    hints: ['cloud_properties.firmware: bios, for VMs that are to have snapshots; disks have their own'],
  });
}
