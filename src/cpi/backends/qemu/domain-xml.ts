import { fillTemplate, type Hole, markup } from '../../../platform/template.ts';
import type { VmSpec } from '../../backend.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { vmRecordXml } from '../../on-libvirt/vm-records.ts';
import { cpuXml, domainType } from './accelerator.ts';
import type { QemuOptions, VmResources } from './options.ts';
import { vmVolumes } from './volume-names.ts';

/** On q35 each hot-plugged disk takes a root port, and only those defined at the start exist (host.md 1b). */
const q35Ports = 24;

/** The XML of a VM that is about to be defined; its volumes' paths follow from the pool's folder and the CID. */
export async function domainXmlFor(
  host: LibvirtHost,
  options: QemuOptions,
  spec: VmSpec,
  resources: VmResources,
): Promise<string> {
  const [type, folder] = await Promise.all([domainType(host, options), host.poolPath()]);
  return domainXml({
    type,
    folder,
    spec,
    resources,
    machine: options.machine,
    environment: host.config.environment,
  });
}

export interface DomainFacts {
  readonly type: 'kvm' | 'qemu';
  readonly machine: 'pc' | 'q35';
  /** The pool's folder. */
  readonly folder: string;
  readonly environment: string;
  readonly spec: VmSpec;
  readonly resources: VmResources;
}

/** Pure: the same facts give the same XML. The guest sees the root disk as vda and the ephemeral one as vdb. */
export function domainXml({ type, machine, folder, environment, spec, resources }: DomainFacts): string {
  const path = (volume: (vm: string) => string) => `${folder}/${volume(spec.cid)}`;
  const disks = [diskXml({ path: path(vmVolumes.root), target: 'vda', serial: 'root' })];
  if (resources.ephemeralDiskMb > 0) {
    disks.push(diskXml({ path: path(vmVolumes.ephemeral), target: 'vdb', serial: 'ephemeral' }));
  }
  return fillTemplate('qemu/domain.xml', {
    type,
    name: spec.cid,
    title: `BOSH VM of ${environment}`,
    metadata: markup(vmRecordXml(spec, environment)),
    memoryMb: resources.memoryMb,
    cpus: resources.cpus,
    machine,
    cpu: markup(cpuXml(type)),
    ports: machine === 'q35' ? rootPorts() : markup(''),
    disks: markup(disks),
    settingsPath: path(vmVolumes.settings),
    consolePath: path(vmVolumes.console),
    nics: markup(
      spec.nics.map((nic) => fillTemplate('qemu/nic.xml', { mac: nic.mac, network: nic.hostNetwork })),
    ),
  });
}

export function diskXml(disk: { path: string; target: string; serial: string }): string {
  return fillTemplate('qemu/disk.xml', disk);
}

function rootPorts(): Hole {
  const ports = Array.from({ length: q35Ports }, () => '<controller type="pci" model="pcie-root-port"/>');
  return markup(['<controller type="pci" index="0" model="pcie-root"/>', ...ports]);
}
