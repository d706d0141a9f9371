import { LibvirtError, libvirtErrors } from '../../clients/libvirt/index.ts';
import { messageOf, ToolError } from '../../platform/errors.ts';
import { CloudError, type CloudErrorType } from '../errors.ts';

const ENOENT = 2;
const ENOSPC = 28;
/** Larger than any file that the file system may hold: to bosh that is no room either. */
const EFBIG = 27;

/** What libvirt said, as bosh understands it: full disks are NoDiskSpace, the rest is `type`, with libvirt's words kept. */
export function cloudErrorFrom(
  error: unknown,
  what: string,
  type: CloudErrorType = 'CloudError',
): CloudError {
  if (error instanceof CloudError) return error;
  const message = `${what}: ${messageOf(error)}`;
  if (isOutOfSpace(error)) {
    return new CloudError('NoDiskSpace', message, {
      cause: error,
      hints: ['free space in the storage pool, or use a larger one'],
    });
  }
  if (isRangeInUse(error)) {
    return new CloudError(type, message, {
      cause: error,
      code: 'ADDRESS_CONFLICT',
      hints: [
        'take that interface down, or make the environment anew with another --network, or another --workload-cidr',
      ],
    });
  }
  return new CloudError(type, message, {
    cause: error,
    okToRetry: type === 'VMCreationFailed' && isPassing(error),
  });
}

/** Nobody has made the libvirt network that a network's cloud properties, or the configuration, name. */
export const networkNotFound = (name: string, uri: string): CloudError =>
  new CloudError('NetworkNotFound', `There is no libvirt network '${name}' at ${uri}`, {
    hints: [
      'boshvirt up makes the environment’s network; cloud_properties.name of a network names another one',
    ],
  });

/** The domain is not there, or no longer. */
export const isNoDomain = (error: unknown): boolean =>
  error instanceof LibvirtError && error.is(libvirtErrors.NO_DOMAIN);

/** The volume is not there, or no longer. */
export const isNoVolume = (error: unknown): boolean =>
  error instanceof LibvirtError && error.is(libvirtErrors.NO_STORAGE_VOL);

/** The volume's file is gone, though libvirt may still list the volume: it is being deleted. */
export const isNoFile = (error: unknown): boolean =>
  error instanceof LibvirtError && error.is(libvirtErrors.SYSTEM_ERROR) && error.int1 === ENOENT;

/** libvirt reports a full disk as errno 28 or, as every program does, qemu-img among them, as text alone (libvirt-spikes.md 7). */
function isOutOfSpace(error: unknown): boolean {
  const isOfSystem = error instanceof LibvirtError && error.is(libvirtErrors.SYSTEM_ERROR);
  if (isOfSystem && [ENOSPC, EFBIG].includes(error.int1)) return true;
  const isOthers = error instanceof LibvirtError || error instanceof ToolError;
  return isOthers && /No space left on device|Not enough space left/.test(error.message);
}

/** Something on the hypervisor's machine has the very range already, a VPN say, or the same route (libvirt-spikes.md 1, 3). */
export const isRangeInUse = (error: unknown): boolean =>
  error instanceof LibvirtError &&
  /Network is already in use by interface|Route address '.*' conflicts with IP address/.test(error.message);

/** Worth another try: somebody else works in the pool, or an address is still being given up. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof LibvirtError &&
    /asynchronous jobs running|still being allocated|Failed to get "write" lock/.test(error.message)
  );
}
