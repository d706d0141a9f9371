import { messageOf } from '../../../platform/errors.ts';
import { type Check, ok, warn } from '../../../platform/finding.ts';
import { run } from '../../../platform/process.ts';

/** The mounts and namespaces of libexec/private-host-init. */
const tryOut = 'mount -t proc proc /proc; umount -l /sys || :; mount -t sysfs sysfs /sys';

export const isRoot = (): boolean => process.geteuid?.() === 0;

/** Why a private libvirt host cannot be here, or undefined if it can. */
export async function obstacleToNamespaces(): Promise<string | undefined> {
  const namespaces = ['--mount', '--net', '--pid', '--ipc', '--fork', '--kill-child'];
  try {
    await run(['unshare', ...namespaces, 'sh', '-ec', tryOut], { timeoutMs: 5_000 });
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

export const privilegeChecks: readonly Check[] = [
  {
    id: 'host.permission',
    title: 'permission',
    why: 'a private libvirt host makes namespaces, which takes root',
    async look() {
      if (isRoot()) return ok('root');
      return warn('not root', 'run as root, or use a libvirtd that you may talk to (group libvirt)');
    },
  },
  {
    id: 'host.namespaces',
    title: 'namespaces',
    why: 'a private libvirt host lives in mounts, processes and a network of its own',
    async look() {
      if (!isRoot()) return ok('not tried without root');
      const obstacle = await obstacleToNamespaces();
      if (obstacle === undefined) return ok('can be made');
      return warn(
        obstacle,
        'in a container: start that with --privileged, or name a libvirt elsewhere with --uri',
      );
    },
  },
];
