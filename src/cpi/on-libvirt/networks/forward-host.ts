import { ToolError } from '../../../platform/errors.ts';
import { shortHash } from '../../../platform/ids.ts';
import { which } from '../../../platform/process.ts';
import type { VmSpec } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { vmRecords } from '../vm-records.ts';
import { forwardRules, rulesStand, type VmForwards } from './forward-rules.ts';
import { lockOnHost } from './host-lock.ts';
import { portInUse } from './host-ports.ts';
import { obstacleToChanging, runOnHost } from './on-host.ts';
import { collide, describeForward, forwardsOf } from './port-forwards.ts';
import { describeVm } from './taken-addresses.ts';

/** Throws a NotSupported that says what to do if ports of the hypervisor's machine cannot be forwarded from here. */
export function requireForwarding({ config }: LibvirtHost): void {
  const obstacle = obstacleToChanging(config);
  if (obstacle) throw noForwarding(obstacle.why, obstacle.hint);
}

const noForwarding = (why: string, hint: string): CloudError =>
  new CloudError('NotSupported', `Ports cannot be forwarded: ${why}`, {
    hints: [hint, 'or leave ports out of the cloud properties'],
  });

/** Forwards a defined VM's ports. Throws a VMCreationFailed that names who has one of them. */
export async function openPorts(host: LibvirtHost, spec: VmSpec): Promise<void> {
  const forwards = forwardsOf(spec);
  if (forwards.length === 0) return;
  const others = (await vmRecords(host.libvirt)).filter(({ cid }) => cid !== spec.cid);
  for (const [at, forward] of forwards.entries()) {
    if (forwards.slice(0, at).some((before) => collide(before, forward)))
      throw new CloudError('CloudError', `The host's port ${describeForward(forward)} is asked for twice`, {
        hints: ['let each port of the host lead to one port of the VM'],
      });
    const owner = others.find((other) => other.forwards.some((their) => collide(forward, their)));
    const port = `The host's port ${describeForward(forward)}`;
    if (owner) {
      const message = `${port} leads to ${await describeVm(host, owner.cid)} already`;
      throw new CloudError('VMCreationFailed', message, { okToRetry: true }); // that VM may be on its way out
    }
    const files = [forward.protocol, `${forward.protocol}6`].map((name) => `/proc/net/${name}`);
    const used = portInUse(await runOnHost(host.config, ['cat', ...files]), forward);
    if (used !== undefined)
      throw new CloudError('VMCreationFailed', `${port}: a program of the host's listens on ${used}`, {
        hints: ['choose another port, or end that program: ss -tulpn shows it'],
      });
  }
  await renderForwards(host);
}

/** Makes the host forward what the environment's VMs ask for. */
export async function renderForwards(host: LibvirtHost): Promise<void> {
  await using _ = await lockForwards(host);
  await writeForwards(host);
}

/** Takes a VM's forwards away, then its definition: before that is gone, nobody else's writing brings them back. */
export async function withoutForwards(
  host: LibvirtHost,
  vm: string,
  undefine: () => Promise<void>,
): Promise<void> {
  if (!canForward(host)) {
    host.log.warn(`the ports of the host that lead to VM ${vm} cannot be closed from here`);
    return await undefine();
  }
  await using _ = await lockForwards(host);
  await writeForwards(host, [vm]);
  await undefine();
}

/** Takes away what leads to VMs of the environment that somebody else has undefined; what cannot be is told. */
export async function closeForwards(host: LibvirtHost): Promise<void> {
  if (!canForward(host) || !(await which('iptables-save'))) return;
  try {
    await renderForwards(host);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    host.log.warn(`ports that are forwarded to VMs that are gone: ${error.message}`);
  }
}

/** Or the rules of one who has read earlier would come later. */
const lockForwards = async (host: LibvirtHost): Promise<AsyncDisposable> =>
  await lockOnHost(host, `forwards of ${host.config.environment}`, 'writing port forwards');

async function writeForwards(host: LibvirtHost, leaving: readonly string[] = []): Promise<void> {
  const { environment } = host.config;
  const vms = (await vmRecords(host.libvirt)).filter(
    (vm) => vm.environment === environment && !leaving.includes(vm.cid),
  );
  const saved = await runOnHost(host.config, ['iptables-save']);
  const rules = forwardRules(saved, chainsOf(host), vms);
  if (vms.some(({ forwards }) => forwards.length > 0) && !/^:LIBVIRT_FWI /m.test(saved))
    throw noForwarding(
      'libvirt does not filter with iptables here',
      'set firewall_backend = "iptables" in libvirt’s network.conf, and restart its network daemon',
    );
  if (rules !== '') await runOnHost(host.config, ['iptables-restore', '--noflush', '--wait', '20'], rules);
}

/** false if the host has lost them, by a reboot say. Who cannot look believes that they are there. */
export async function forwardsStand(host: LibvirtHost, vms: readonly VmForwards[]): Promise<boolean> {
  if (vms.every(({ forwards }) => forwards.length === 0)) return true;
  return (
    !canForward(host) || rulesStand(await runOnHost(host.config, ['iptables-save']), chainsOf(host), vms)
  );
}

const canForward = ({ config }: LibvirtHost): boolean => obstacleToChanging(config) === undefined;

/** The driver's too: qemu's list of VMs tells nothing of lxc's, and each writes its chains as a whole. */
const chainsOf = ({ driver, config: { environment } }: LibvirtHost): string =>
  `BOSHVIRT_${shortHash(`${driver} ${environment}`, 10)}`;
