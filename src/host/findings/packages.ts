import { existsSync } from 'node:fs';
import { which } from '../../platform/process.ts';

/** What work on this machine needs: for guests on QEMU, or to build the probe stemcell. */
export type Need = 'qemu' | 'stemcell';

/** A program or a file, and the Debian package that brings it. */
interface Requirement {
  readonly package: string;
  readonly program?: string;
  /** Where the file lies in one release or another; one of them is enough. */
  readonly files?: readonly string[];
}

const requirements: Readonly<Record<Need, readonly Requirement[]>> = {
  qemu: [
    { package: 'libvirt-daemon-system', files: ['/var/lib/libvirt'] },
    { package: 'libvirt-daemon', program: 'libvirtd' },
    { package: 'libvirt-clients', program: 'virsh' },
    { package: 'qemu-system-x86', program: 'qemu-system-x86_64' },
    { package: 'qemu-utils', program: 'qemu-img' },
    { package: 'seabios', files: ['/usr/share/seabios/bios-256k.bin'] },
    // Debian 12, Debian 13
    {
      package: 'ipxe-qemu',
      files: ['/usr/lib/ipxe/qemu/efi-virtio.rom', '/usr/share/qemu/efi-virtio.rom'],
    },
    { package: 'dnsmasq-base', program: 'dnsmasq' },
    { package: 'iptables', program: 'iptables' },
    { package: 'iproute2', program: 'ip' },
    { package: 'util-linux', program: 'flock' },
    { package: 'openssh-client', program: 'ssh' },
  ],
  stemcell: [
    { package: 'apt', program: 'apt-get' },
    { package: 'dpkg', program: 'dpkg-deb' },
    { package: 'e2fsprogs', program: 'mke2fs' },
    { package: 'xz-utils', program: 'xz' }, // Debian 13's kernel modules are packed with it
  ],
};

/** Debian packages of whose programs or files this machine lacks one. Looks for the files alone: a few milliseconds. */
export async function missingPackages(need: Need): Promise<string[]> {
  const missing = await Promise.all(
    requirements[need].map(async (each) => ((await isThere(each)) ? [] : [each.package])),
  );
  return missing.flat();
}

async function isThere({ program, files = [] }: Requirement): Promise<boolean> {
  if (program !== undefined) return (await which(program)) !== undefined;
  return files.some((file) => existsSync(file));
}
