import { type GuestParts, noParts } from './guest-parts.ts';
import type { ProbeForm } from './probe-form.ts';
import { guestRoot } from './probe-guest.ts';
import { writeTreeImage } from './stemcell-archive.ts';

const parts: GuestParts = {
  ...noParts,
  ownFiles: [
    { from: 'container/init', to: '/sbin/init', mode: 0o755 },
    { from: 'container/rc.boot', to: '/etc/rc.boot', mode: 0o755 },
    { from: 'container/rc.shutdown', to: '/etc/rc.shutdown', mode: 0o755 },
    { from: 'container/agent.json', to: '/var/vcap/bosh/agent.json', mode: 0o644 },
  ],
};

/** For containers: the guest's tree itself, without kernel, drivers and boot loader, as in BOSH's stemcells for warden. */
export const containerForm: ProbeForm = {
  name: 'container',
  stemcellName: 'boshvirt-warden-boshlite-probe',
  stemcellFormats: ['warden-tar'],
  cloudProperties: {
    infrastructure: 'warden',
    hypervisor: 'boshlite',
    disk: 512,
    disk_format: 'files',
    container_format: 'bare',
    os_type: 'linux',
    os_distro: 'debian',
    architecture: 'x86_64',
  },
  parts,
  toolPackages: [],
  programs: {},
  recipe: [],
  async writeImage(path, sources, { say, signal }) {
    say('packing the root file system');
    return await writeTreeImage(path, (await guestRoot(sources)).entries(), signal);
  },
};
