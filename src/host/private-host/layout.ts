import { join } from 'node:path';

/** Where things lie in a private host's folder. */
export const layout = (dir: string) => ({
  /** Process id and start time of the process that holds the namespaces. */
  holder: join(dir, 'holder'),
  /** What inside is /etc/libvirt, /var/lib/libvirt, /run, … */
  root: join(dir, 'root'),
  libvirtConfig: join(dir, 'root/etc/libvirt'),
  socket: join(dir, 'root/run/libvirt/libvirt-sock'),
  log: join(dir, 'host.log'),
  lock: `${dir}.lock`,
});
