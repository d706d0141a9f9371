import { ImageFault } from './image-error.ts';

/** Length of a version 2 header; version 3 adds feature bits (QEMU's docs/interop/qcow2). */
const version2HeaderBytes = 72;
const corruptBit = 1n << 1n;
const externalDataBit = 1n << 2n;

/** Whether an image is qcow2, whose version 2 and 3 alone bear that name. */
export function isQcow2(head: Buffer): boolean {
  if (head.length < 8 || head.readUInt32BE() !== 0x514649fb) return false;
  return [2, 3].includes(head.readUInt32BE(4));
}

/**
 * The size of the disk in a qcow2 image of `sizeBytes`. Throws an ImageFault for an image that a hypervisor must not open: one
 * that names another file would give the guest any file of the host.
 */
export function qcow2VirtualSize(head: Buffer, sizeBytes: number): number {
  if (head.length < version2HeaderBytes) throw new ImageFault('is cut short within its qcow2 header');
  refuseOtherFiles(head);
  if (head.readUInt32BE(32) !== 0)
    throw new ImageFault('is an encrypted qcow2 image, which no VM could start from');
  const clusterBits = head.readUInt32BE(20);
  const virtualSize = Number(head.readBigUInt64BE(24));
  if (clusterBits < 9 || clusterBits > 21 || virtualSize === 0 || !Number.isSafeInteger(virtualSize))
    throw new ImageFault('is damaged: its qcow2 header makes no sense');
  refuseIfCutShort(head, sizeBytes);
  return virtualSize;
}

function refuseOtherFiles(head: Buffer): void {
  const backingOffset = Number(head.readBigUInt64BE(8));
  if (backingOffset !== 0) {
    const name = head.toString('utf8', backingOffset, backingOffset + Math.min(head.readUInt32BE(16), 200));
    throw new ImageFault(
      `is a qcow2 image with a backing file${name ? ` (${JSON.stringify(name)})` : ''}: a stemcell must not refer to other files; flatten it with qemu-img convert`,
    );
  }
  const features = featureBits(head);
  if ((features & externalDataBit) !== 0n)
    throw new ImageFault(
      'is a qcow2 image whose data lie in another file, which a stemcell must not refer to',
    );
  if ((features & corruptBit) !== 0n)
    throw new ImageFault('is damaged: the qcow2 image is marked as corrupt');
}

/** Features that a reader must know; version 2 has none. */
function featureBits(head: Buffer): bigint {
  const version = head.readUInt32BE(4);
  return version >= 3 && head.length >= 80 ? head.readBigUInt64BE(72) : 0n;
}

/** The first-level and the reference count table have to lie within the image. */
function refuseIfCutShort(head: Buffer, sizeBytes: number): void {
  const firstLevelEnd = head.readBigUInt64BE(40) + BigInt(head.readUInt32BE(36)) * 8n;
  const refcountStart = head.readBigUInt64BE(48);
  if (firstLevelEnd > BigInt(sizeBytes) || refcountStart >= BigInt(sizeBytes))
    throw new ImageFault('is cut short: its qcow2 tables lie past its end');
}
