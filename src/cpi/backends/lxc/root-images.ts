import { Undo } from '../../../platform/undo.ts';
import type { StemcellCid } from '../../backend.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import type { StemcellMedium } from '../../on-libvirt/stemcells.ts';
import { deleteVolume, stemcellVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import type { StemcellImage } from '../../stemcell/index.ts';
import { unsuitableImage } from '../../stemcell/unsuitable-image.ts';
import { makeFilesystem, unpackInto } from './filesystems.ts';
import { stemcellFormats } from './stemcell-formats.ts';

const gibibyte = 1024 ** 3;
/** Of a root file system where nothing else is said; it is sparse, so that more costs nothing. */
const usualBytes = 5 * gibibyte;

type Tree = StemcellImage & { readonly format: 'tree' };

const wanted = {
  backend: 'lxc',
  formats: stemcellFormats,
  infrastructure: 'warden-boshlite',
};

/** Stemcells as images of root file systems, unpacked once, that each VM gets a copy of. */
export class RootImages implements StemcellMedium<Tree> {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  accept(image: StemcellImage): Tree {
    const { format } = image;
    if (format !== 'tree') throw unsuitableImage(format, wanted);
    return { ...image, format, open: () => image.open() };
  }

  async make(cid: StemcellCid, tree: Tree): Promise<void> {
    const pool = await this.#host.pool();
    const name = stemcellVolume(cid);
    await using undo = new Undo(this.#host.log);
    undo.defer(`delete volume ${name}`, () => deleteVolume(pool, name));
    const capacityBytes = Math.max(usualBytes, 2 * tree.virtualSizeBytes);
    const volume = await pool.createVolume(volumeXml({ name, capacityBytes, format: 'raw', mode: '0444' }));
    const path = await volume.path();
    await makeFilesystem(path);
    await unpackInto(path, tree.open());
    undo.keep();
  }
}
