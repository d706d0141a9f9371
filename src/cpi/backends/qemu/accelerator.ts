import { readFileSync } from 'node:fs';
import { kvmWorks } from '../../../platform/kvm.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import type { QemuOptions } from './options.ts';

/**
 * The domain type: kvm only where it works. libvirt offers kvm wherever /dev/kvm exists, also where a guest then hangs
 * without a word (host.md 1), so the CPU's own flags are asked.
 */
export async function domainType(host: LibvirtHost, { accel }: QemuOptions): Promise<'kvm' | 'qemu'> {
  if (accel !== 'auto') return accel === 'kvm' ? 'kvm' : 'qemu';
  const remote = /^\w+\+(ssh|tcp|tls):/.test(host.config.uri);
  const cpuinfo = remote ? undefined : ownCpuinfo();
  return kvmWorks(await host.libvirt.capabilities(), cpuinfo) ? 'kvm' : 'qemu';
}

function ownCpuinfo(): string | undefined {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return undefined; // not a Linux
  }
}
