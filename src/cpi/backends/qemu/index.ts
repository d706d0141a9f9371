import type { BackendModule } from '../../backend.ts';
import { stemcellFormats } from './stemcell-formats.ts';

/** Virtual machines on QEMU, by KVM where it works and by emulation elsewhere, through libvirt. */
export const qemu: BackendModule = {
  name: 'qemu',
  traits: {
    stemcellFormats,
    settingsMedium: 'config-drive',
    preconfiguredNetworks: false,
  },
  drivers: ['qemu'],
  remote: true,
  async optionsElsewhere(cpuinfo) {
    const { canRunOnKvm } = await import('../../../platform/kvm.ts');
    return canRunOnKvm(cpuinfo) ? {} : { accel: 'tcg' };
  },
  preflight: async () => (await import('./preflight.ts')).qemuPreflight,
  async open(config, log) {
    const { openQemu } = await import('./open.ts');
    return await openQemu(config, log);
  },
};
