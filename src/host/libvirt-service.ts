import {
  ConnectionLostError,
  connectLibvirt,
  LibvirtError,
  libvirtErrors,
  parseUri,
} from '../clients/libvirt/index.ts';
import { messageOf, UserError } from '../platform/errors.ts';
import { commandLine } from '../platform/process.ts';

export type FoundLibvirt =
  | { readonly kind: 'given' | 'system'; readonly uri: string }
  | { readonly kind: 'none' };

/** libvirt's driver that a URI names: `qemu` of `qemu+ssh://host/system`. Throws a UserError for what is no URI. */
export const driverOf = (uri: string): string => parseUri(uri).driver;

/** A URI without its driver: the same for all drivers of one libvirt. Any driver can stand in front of it. */
export const withoutDriver = (uri: string): string => uri.replace(/^[a-z]+/, '');

/** Where a machine's own libvirt answers for one of its drivers. */
export const systemUri = (driver: string): string => `${driver}:///system`;

/**
 * The libvirt to use: the one that a person named, which has to answer, else the machine's own if its driver answers. Throws
 * a UserError HYPERVISOR if the named one does not.
 */
export async function findLibvirt(
  asked: string | undefined,
  options: { driver: string; signal: AbortSignal },
): Promise<FoundLibvirt> {
  if (asked === undefined) {
    const uri = systemUri(options.driver);
    return (await answers(uri, options.signal)) ? { kind: 'system', uri } : { kind: 'none' };
  }
  try {
    await using _libvirt = await connectLibvirt(asked, { signal: options.signal });
    return { kind: 'given', uri: asked };
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof UserError) throw error;
    throw new UserError('HYPERVISOR', messageOf(error), {
      cause: error,
      hints: [
        `try it with: ${commandLine(['virsh', '-c', asked, 'version'])}`,
        'without --uri, boshvirt uses this machine’s libvirt or starts its own',
      ],
    });
  }
}

/** Whether the libvirt at `uri` is there and has the driver that it names. Throws what else keeps it from answering. */
export async function hasDriver(uri: string, signal: AbortSignal): Promise<boolean> {
  try {
    await using _libvirt = await connectLibvirt(uri, { signal });
    return true;
  } catch (error) {
    if (error instanceof ConnectionLostError) return false;
    if (error instanceof LibvirtError && error.is(libvirtErrors.NO_CONNECT)) return false;
    throw error;
  }
}

async function answers(uri: string, signal: AbortSignal): Promise<boolean> {
  try {
    await using _libvirt = await connectLibvirt(uri, { signal, connectTimeoutMs: 3_000 });
    return true;
  } catch {
    signal.throwIfAborted();
    return false; // nobody there, or not for this user: a private host is the answer to both
  }
}
