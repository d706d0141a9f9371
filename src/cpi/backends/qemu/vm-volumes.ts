import type { VmSpec } from '../../backend.ts';
import { stemcellNotFound } from '../../errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { stemcellVolume, type VolumeSpec } from '../../on-libvirt/volumes.ts';
import type { VmProperties } from './vm-properties.ts';
import { vmVolumes } from './volume-names.ts';

const bytesPerMb = 1024 * 1024;
const mode = '0600';

/** The volumes that a VM needs before it can start: its disks, in a pool of their own if need be, and its console's log. */
interface VmVolumes {
  readonly disks: readonly VolumeSpec[];
  readonly console: VolumeSpec;
}

/** Plans them: the root disk stands on the stemcell's image. Throws StemcellNotFound. */
export async function volumesFor(
  host: LibvirtHost,
  { cid, stemcell }: VmSpec,
  { rootDiskMb, ephemeralDiskMb }: VmProperties,
): Promise<VmVolumes> {
  const image = await host.findVolume(stemcellVolume(stemcell));
  if (!image) throw stemcellNotFound(stemcell);
  const [info, path, xml] = await Promise.all([image.info(), image.path(), image.xml()]);
  const root: VolumeSpec = {
    name: vmVolumes.root(cid),
    capacityBytes: Math.max(info.capacityBytes, rootDiskMb * bytesPerMb),
    format: 'qcow2',
    backing: { path, format: /<format type=['"](\w+)['"]/.exec(xml)?.[1] ?? 'qcow2' },
    mode,
  };
  const ephemeral: VolumeSpec = {
    name: vmVolumes.ephemeral(cid),
    capacityBytes: ephemeralDiskMb * bytesPerMb,
    format: 'qcow2',
    mode,
  };
  const console: VolumeSpec = { name: vmVolumes.console(cid), capacityBytes: 0, format: 'raw', mode };
  return { disks: ephemeralDiskMb > 0 ? [root, ephemeral] : [root], console };
}
