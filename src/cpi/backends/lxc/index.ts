import type { BackendModule } from '../../backend.ts';
import { stemcellFormats } from './stemcell-formats.ts';

/** Containers on this machine's kernel, through libvirt's LXC driver. */
export const lxc: BackendModule = {
  name: 'lxc',
  traits: {
    stemcellFormats,
    settingsMedium: 'file',
    preconfiguredNetworks: true,
  },
  drivers: ['lxc'],
  remote: false, // disks are files of this machine and become its devices
  preflight: async () => (await import('./preflight.ts')).lxcPreflight,
  async open(config, log) {
    const { openLxc } = await import('./open.ts');
    return await openLxc(config, log);
  },
};
