import { Undo } from '../../../platform/undo.ts';
import type { StemcellCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import type { StemcellMedium } from '../../on-libvirt/stemcells.ts';
import { deleteVolume, stemcellVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import { type StemcellImage, unsuitableImage, type WantedStemcell } from '../../stemcell/index.ts';

const wanted: WantedStemcell = {
  backend: 'qemu',
  formats: ['openstack-qcow2', 'openstack-raw'],
  infrastructure: 'openstack-kvm',
};

type BootImage = StemcellImage & { readonly format: 'qcow2' | 'raw' };

/** Stemcells as images that VMs' overlays stand on. */
export class BootImages implements StemcellMedium<BootImage> {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  accept(image: StemcellImage): BootImage {
    const { format } = image;
    if (format === 'tree') throw unsuitableImage(format, wanted);
    if (format !== 'vmdk') return { ...image, format, open: () => image.open() };
    throw new CloudError(
      'CloudError',
      'The stemcell holds a VMDK image; qemu takes openstack-qcow2 or openstack-raw stemcells',
      {
        hints: ['use the openstack-kvm stemcell of the same version'],
      },
    );
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
