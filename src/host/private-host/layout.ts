import { join } from 'node:path';
import { shortHash } from '../../platform/ids.ts';

/**
 * What every process inside sees at these paths lies in the host's folder. /run goes as a whole: that hides D-Bus, polkit and
 * the machine's own libvirt.
 */
export const ownPaths = [
  '/etc/libvirt',
  '/var/lib/libvirt',
  '/var/cache/libvirt',
  '/var/log/libvirt',
  '/run',
] as const;

/** Where things lie in a private host's folder. */
export const layout = (dir: string) => ({
  /** Process id and start time of the first process inside; it writes them itself before it does anything else. */
  holder: join(dir, 'holder'),
  /** What inside is /etc/libvirt, /var/lib/libvirt, /run, … */
  root: join(dir, 'root'),
  /** Inside it is /run: what must not outlive a start (libvirt's marks of what it has started already, sockets). */
  run: join(dir, 'root/run'),
  libvirtConfig: join(dir, 'root/etc/libvirt'),
  socket: join(dir, 'root/run/libvirt/libvirt-sock'),
  /** The host's identity towards libvirt; also the mark that the folder is a private host's. */
  uuid: join(dir, 'host-uuid'),
  log: join(dir, 'host.log'),
  lock: `${dir}.lock`,
});

/** What others call the private host in the absolute folder `dir`, whether it runs or not: the same in every process. */
export function privateHostNames(dir: string) {
  const netnsName = `boshvirt-${shortHash(dir, 8)}`;
  return {
    /** As `ip netns` lists it. */
    netnsName,
    /** For `nsenter --net=`. */
    netnsPath: `/run/netns/${netnsName}`,
    /** Of its control group in each hierarchy. */
    cgroup: netnsName,
  };
}

/** Where one of libvirt's drivers (`qemu`, `lxc`) answers on the private host in `dir`. */
export function privateHostUri(dir: string, driver: string): string {
  const socket = layout(dir).socket.split('/').map(encodeURIComponent).join('/');
  return `${driver}:///system?socket=${socket}`;
}
