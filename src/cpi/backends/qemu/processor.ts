import { parseXml } from '../../../clients/libvirt/index.ts';
import { nearest } from '../../../platform/nearest.ts';
import { fillTemplate, markup } from '../../../platform/template.ts';
import { CloudError } from '../../errors.ts';

const hostModes = ['host-passthrough', 'host-model'];

/** A VM's `<cpu>`. Without a model: the machine's own on KVM; emulated, one that boots soon. */
export function cpuXml(type: 'kvm' | 'qemu', model: string | undefined): string {
  // qemu64 boots sooner under emulation than `max`
  const wanted = model ?? (type === 'kvm' ? 'host-passthrough' : 'qemu64');
  if (hostModes.includes(wanted)) return `<cpu mode="${wanted}" check="none"/>`;
  // svm would make guests load KVM (real-bosh/README.md 4)
  const features = type === 'kvm' ? '' : '<feature policy="disable" name="svm"/>';
  return fillTemplate('qemu/cpu.xml', { model: wanted, features: markup(features) });
}

/** Throws a CloudError for a model that the hypervisor cannot give a VM; `capabilities` is libvirt's XML for this kind of VM. */
export function refuseUnusableModel(model: string, capabilities: string, type: 'kvm' | 'qemu'): void {
  const modes = parseXml(capabilities).at('domainCapabilities', 'cpu')?.children('mode') ?? [];
  const how = type === 'kvm' ? 'on KVM' : 'emulated (TCG)';
  if (hostModes.includes(model)) {
    const mode = modes.find((each) => each.attribute('name') === model);
    if (mode?.attribute('supported') === 'yes') return;
    throw unusable(`'${model}' is not possible for VMs that are ${how}`, [
      type === 'kvm' ? 'leave cpu_model out' : 'it needs KVM; leave cpu_model out for VMs that run anywhere',
    ]);
  }
  const models = modes.find((each) => each.attribute('name') === 'custom')?.children('model') ?? [];
  const found = models.find((each) => each.text === model);
  if (found && found.attribute('usable') !== 'no') return;
  const usable = models.filter((each) => each.attribute('usable') !== 'no').map((each) => each.text);
  const [verdict, meant] = found
    ? [`cannot be had by VMs that are ${how}`, undefined]
    : ['is no processor model that this libvirt knows', nearest(model, usable)];
  throw unusable(`'${model}' ${verdict}`, [
    ...(meant ? [`did you mean ${meant}?`] : []),
    `what can be had here: ${usable.join(', ') || 'none by name'}`,
  ]);
}

const unusable = (fault: string, hints: string[]) =>
  new CloudError('CloudError', `cloud_properties.cpu_model: ${fault}`, { hints });
