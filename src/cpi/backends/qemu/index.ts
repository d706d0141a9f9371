import type { BackendModule } from '../../backend.ts';

/** Virtual machines on QEMU, by KVM where it works and by emulation elsewhere, through libvirt. */
export const qemu: BackendModule = {
  name: 'qemu',
  traits: {
    stemcellFormats: ['openstack-qcow2', 'openstack-raw', 'vsphere-ovf', 'vsphere-ova'],
    settingsMedium: 'config-drive',
    preconfiguredNetworks: false,
  },
  drivers: ['qemu'],
  preflight: async () => (await import('./preflight.ts')).qemuPreflight,
  async open(config, log) {
    const { openQemu } = await import('./open.ts');
    return await openQemu(config, log);
  },
};
