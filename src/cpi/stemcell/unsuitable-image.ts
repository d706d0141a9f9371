import { CloudError } from '../errors.ts';
import type { ImageFormat } from './stemcell-image.ts';

/** What a backend can make guests of. */
interface WantedStemcell {
  /** The backend's name. */
  readonly backend: string;
  /** As stemcell.MF says it: `warden-tar`. */
  readonly formats: readonly string[];
  /** The infrastructure in the name of a stemcell that does: `openstack-kvm`. */
  readonly infrastructure: string;
}

const contents: Readonly<Record<ImageFormat, string>> = {
  qcow2: 'a disk image (qcow2) for virtual machines',
  raw: 'a disk image (raw) for virtual machines',
  vmdk: 'a disk image (VMDK) for VMware’s virtual machines',
  tree: 'a tree of files for containers',
};

/** The answer to a stemcell of another backend's: says which one to use instead. */
export function unsuitableImage(format: ImageFormat, wanted: WantedStemcell): CloudError {
  const { backend, formats, infrastructure } = wanted;
  return new CloudError(
    'CloudError',
    `The stemcell holds ${contents[format]}; ${backend} takes stemcells of the format ${formats.join(' or ')}`,
    { hints: [`use the ${infrastructure} stemcell of the same version`] },
  );
}
