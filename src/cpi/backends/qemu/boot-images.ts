import { Undo } from '../../../platform/undo.ts';
import type { StemcellCid } from '../../backend.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import type { StemcellMedium } from '../../on-libvirt/stemcells.ts';
import { deleteVolume, stemcellVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import type { StemcellImage } from '../../stemcell/index.ts';
import { rawFromVmdk } from '../../stemcell/raw-from-vmdk.ts';
import { unsuitableImage } from '../../stemcell/unsuitable-image.ts';
import { stemcellFormats } from './stemcell-formats.ts';

type BootImage = StemcellImage & { readonly format: 'qcow2' | 'raw' };

const wanted = {
  backend: 'qemu',
  formats: stemcellFormats,
  infrastructure: 'openstack-kvm',
};

/** Stemcells as images that VMs' overlays stand on. */
export class BootImages implements StemcellMedium<BootImage> {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  accept(image: StemcellImage): BootImage {
    const { format } = image;
    if (format === 'vmdk') return rawFromVmdk(image);
    if (format === 'tree') throw unsuitableImage(format, wanted);
    return { ...image, format, open: () => image.open() };
  }

  async make(cid: StemcellCid, image: BootImage): Promise<void> {
    const pool = await this.#host.pool();
    const name = stemcellVolume(cid);
    await using undo = new Undo(this.#host.log);
    undo.defer(`delete volume ${name}`, () => deleteVolume(pool, name));
    const { format, virtualSizeBytes: capacityBytes } = image;
    const volume = await pool.createVolume(volumeXml({ name, capacityBytes, format, mode: '0444' }));
    // not for qcow2: a fresh one holds a header already, and a hole writes nothing over it
    await volume.upload(image.open(), { sparse: format === 'raw' });
    undo.keep();
  }
}
