import type { PackageNeed } from '../../platform/package-need.ts';

/** What every backend on libvirt needs, with the networks that guests are plugged into. */
export const libvirtPackages: readonly PackageNeed[] = [
  { package: 'libvirt-daemon-system', files: ['/var/lib/libvirt'] },
  { package: 'libvirt-daemon', program: 'libvirtd' },
  { package: 'libvirt-clients', program: 'virsh' },
  { package: 'dnsmasq-base', program: 'dnsmasq' },
  { package: 'iptables', program: 'iptables' },
  { package: 'iproute2', program: 'ip' },
  { package: 'util-linux', program: 'flock' },
  { package: 'openssh-client', program: 'ssh' },
];
