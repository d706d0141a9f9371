import { parseXml } from '../../../clients/libvirt/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import { nearest } from '../../../platform/nearest.ts';

/** libvirt's devices that BOSH has no word for. */
const allowed = [
  'audio',
  'channel',
  'controller',
  'filesystem',
  'graphics',
  'hostdev',
  'hub',
  'input',
  'panic',
  'parallel',
  'redirdev',
  'rng',
  'serial',
  'shmem',
  'smartcard',
  'sound',
  'tpm',
  'video',
  'vsock',
  'watchdog',
] as const;

/** Devices that BOSH itself gives a VM, and where it is told of them. */
const bosh: Readonly<Record<string, string>> = {
  disk: 'disks are BOSH’s: ephemeral_disk, or a persistent disk',
  interface: 'network cards are BOSH’s: networks of the instance group',
};

/** What keeps an XML text from being one more device of a VM; undefined if nothing does. */
export function deviceFault(xml: string): string | undefined {
  const name = elementName(xml);
  if (name === undefined) return 'no XML element such as <hostdev …>…</hostdev>';
  const document = wellFormed(xml);
  if (typeof document === 'string') return `<${name}> is not one well-formed XML element: ${document}`;
  if ((allowed as readonly string[]).includes(name)) return undefined;
  if (bosh[name] !== undefined) return `<${name}> is refused: ${bosh[name]}`;
  const meant = nearest(name, allowed);
  return `<${name}> is no device that can be added${meant ? `; did you mean <${meant}>?` : ''}: ${allowed.join(', ')}`;
}

/** A file system by virtiofs works on memory that QEMU shares with another process. */
export const needsSharedMemory = (devices: readonly string[]): boolean =>
  devices.some((xml) => elementName(xml) === 'filesystem' && /type=['"]virtiofs['"]/.test(xml));

/** A VM has no screen unless somebody asks for one. */
export const hasVideo = (devices: readonly string[]): boolean =>
  devices.some((xml) => elementName(xml) === 'video');

const elementName = (xml: string): string | undefined => /^\s*<([A-Za-z][\w.-]*)/.exec(xml)?.[1];

function wellFormed(xml: string): true | string {
  try {
    parseXml(xml);
    return true;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return messageOf(cause).split('\n')[0] ?? '';
  }
}
