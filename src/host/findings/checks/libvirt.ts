import { connectLibvirt } from '../../../clients/libvirt/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import { type Check, fail, ok, type Verdict } from '../../../platform/finding.ts';
import { lookAtVersion } from '../../../platform/program-version.ts';
import { driverOf } from '../../libvirt-service.ts';
import { isRoot, obstacleToNamespaces } from './privileges.ts';

const socketTimeoutMs = 3_000;
/** What boshvirt's tests run on: Debian 12. */
const testedLibvirt = '9.0';

async function lookAtSocket(uri: string): Promise<Verdict> {
  try {
    await using libvirt = await connectLibvirt(uri, { connectTimeoutMs: socketTimeoutMs });
    return ok(`${uri} answers (libvirt ${await libvirt.libraryVersion()})`);
  } catch (error) {
    if (isRoot() && (await obstacleToNamespaces()) === undefined) {
      return ok(`${uri} does not answer; boshvirt starts a private host`);
    }
    return fail(messageOf(error), 'systemctl enable --now libvirtd; usermod -aG libvirt $USER');
  }
}

/** `uri` is where the machine's own libvirt would answer. */
export const libvirtChecks = (uri: string): readonly Check[] => [
  { id: 'libvirt.socket', title: 'libvirt', why: 'environments live on it', look: () => lookAtSocket(uri) },
  {
    id: 'libvirt.version',
    title: 'libvirt’s version',
    why: `boshvirt is tested with libvirt ${testedLibvirt}`,
    look: () => lookAtVersion(['libvirtd', `virt${driverOf(uri)}d`], testedLibvirt),
  },
];
