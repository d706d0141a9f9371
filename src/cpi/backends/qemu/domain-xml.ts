import { fillTemplate, type Hole, markup } from '../../../platform/template.ts';
import type { VmSpec } from '../../backend.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { nicSource } from '../../on-libvirt/networks/nics.ts';
import { vmRecordXml } from '../../on-libvirt/vm-records.ts';
import { domainType } from './accelerator.ts';
import { hasVideo, needsSharedMemory } from './devices.ts';
import { diskNumber, diskTarget } from './disk-targets.ts';
import { refuseMissingUefi, uefi } from './firmware.ts';
import type { QemuOptions } from './options.ts';
import { cpuXml, refuseUnusableModel } from './processor.ts';
import type { VmProperties } from './vm-properties.ts';
import { vmVolumes } from './volume-names.ts';

/** On q35 each hot-plugged disk takes a root port, and only those defined at the start exist (host.md 1b). */
const q35Ports = 32;

/** The XML of a VM that is about to be defined; its volumes' paths follow from the pools' folders and the CID. */
export async function domainXmlFor(
  host: LibvirtHost,
  options: QemuOptions,
  spec: VmSpec,
  properties: VmProperties,
  diskFolder: string,
): Promise<string> {
  const [type, folder] = await Promise.all([domainType(host, options), host.poolPath()]);
  await refuseImpossible(host, type, properties);
  const { environment } = host.config;
  return domainXml({ type, folder, diskFolder, spec, properties, environment });
}

/** libvirt is asked only about what few VM types ask for. */
async function refuseImpossible(
  host: LibvirtHost,
  type: 'kvm' | 'qemu',
  { machine, firmware, cpuModel }: VmProperties,
): Promise<void> {
  if (firmware === 'bios' && cpuModel === undefined) return;
  const capabilities = await host.libvirt.domainCapabilities({ type, machine, arch: 'x86_64' });
  if (firmware === 'uefi') refuseMissingUefi(capabilities, machine);
  if (cpuModel !== undefined) refuseUnusableModel(cpuModel, capabilities, type);
}

export interface DomainFacts {
  readonly type: 'kvm' | 'qemu';
  /** The environment's pool's folder. */
  readonly folder: string;
  /** Where the VM's own disks lie. */
  readonly diskFolder: string;
  readonly environment: string;
  readonly spec: VmSpec;
  readonly properties: VmProperties;
}

/** Pure: the same facts give the same XML. The guest sees the root disk first and the ephemeral one after it. */
export function domainXml({ type, folder, diskFolder, environment, spec, properties }: DomainFacts): string {
  const { machine, firmware, diskBus, devices } = properties;
  const isUefi = firmware === 'uefi';
  const disk = (volume: (vm: string) => string, number: number, serial: string) =>
    diskXml({ path: `${diskFolder}/${volume(spec.cid)}`, target: diskTarget(diskBus, number), serial });
  const disks = [disk(vmVolumes.root, 0, 'root')];
  if (properties.ephemeralDiskMb > 0) disks.push(disk(vmVolumes.ephemeral, 1, 'ephemeral'));
  return fillTemplate('qemu/domain.xml', {
    type,
    name: spec.cid,
    title: `BOSH VM of ${environment}`,
    metadata: markup(vmRecordXml(spec, environment)),
    memoryMb: properties.memoryMb,
    memoryBacking: markup(needsSharedMemory(devices) ? sharedMemory : ''),
    cpus: properties.cpus,
    machine,
    firmware: markup(isUefi ? uefi.attribute : ''),
    firmwareFeatures: markup(isUefi ? uefi.features : ''),
    cpu: markup(cpuXml(type, properties.cpuModel)),
    ports: machine === 'q35' ? rootPorts() : markup(''),
    disks: markup(disks),
    settingsPath: `${folder}/${vmVolumes.settings(spec.cid)}`,
    consolePath: `${folder}/${vmVolumes.console(spec.cid)}`,
    nics: markup(
      spec.nics.map((nic) => fillTemplate('qemu/nic.xml', { mac: nic.mac, ...nicSource(nic.hostNetwork) })),
    ),
    video: markup(hasVideo(devices) ? '' : '<video><model type="none"/></video>'),
    devices: markup(devices),
  });
}

const sharedMemory = '<memoryBacking><source type="memfd"/><access mode="shared"/></memoryBacking>';

/** The disk's bus follows from its target: `vdc` is on virtio, `sdc` on SCSI. */
export function diskXml(disk: { path: string; target: string; serial: string }): string {
  const isScsi = disk.target.startsWith('sd');
  return fillTemplate('qemu/disk.xml', {
    ...disk,
    bus: isScsi ? 'scsi' : 'virtio',
    address: markup(isScsi ? scsiAddress(diskNumber(disk.target)) : ''),
  });
}

/**
 * A SCSI target of its own for each disk, all on the one controller: libvirt would put the eighth on a controller more, which
 * is another one after the next start and loses its disks (libvirt-spikes.md 8).
 */
const scsiAddress = (number: number): string =>
  `<address type="drive" controller="0" bus="0" target="${number}" unit="0"/>`;

function rootPorts(): Hole {
  const ports = Array.from({ length: q35Ports }, () => '<controller type="pci" model="pcie-root-port"/>');
  return markup(['<controller type="pci" index="0" model="pcie-root"/>', ...ports]);
}
