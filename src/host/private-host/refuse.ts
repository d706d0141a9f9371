import { readdir, readFile } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import { BugError, errnoOf, UserError } from '../../platform/errors.ts';
import { layout, ownPaths } from './layout.ts';

/** A unix socket's path holds 107 bytes; clients outside name the socket by its full path. */
const maxSocketPath = 107;

/** Bits of capabilities(7) that namespaces, mounts and their network take; root in a container often lacks them. */
const capabilities = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n };

/** Throws a UserError that says what to do where no private host can be, whatever stands in `dir`. */
export async function refuseImpossible(dir: string): Promise<void> {
  if (!isAbsolute(dir)) throw new BugError(`the private host's folder ${dir} is not an absolute path`);
  await refuseWithoutPrivilege();
  const hidden = ownPaths.find((path) => `${dir}/`.startsWith(`${path}/`));
  if (hidden) {
    throw new UserError(
      'USAGE',
      `${dir} cannot hold a private libvirt host, which has a ${hidden} of its own`,
      {
        hints: ['set XDG_DATA_HOME to another folder'],
      },
    );
  }
  const { socket } = layout(dir);
  if (Buffer.byteLength(socket) <= maxSocketPath) return;
  throw new UserError('USAGE', `${socket} is too long for a socket (${maxSocketPath} bytes)`, {
    hints: ['set XDG_DATA_HOME to a shorter folder'],
  });
}

async function refuseWithoutPrivilege(): Promise<void> {
  if (process.geteuid?.() !== 0) {
    throw new UserError('PERMISSION', 'A private libvirt host needs root: it makes namespaces and mounts', {
      hints: [
        'run the same command as root: sudo boshvirt …',
        'or use this machine’s own libvirt: sudo systemctl enable --now libvirtd; sudo usermod -aG libvirt $USER; log in again',
      ],
    });
  }
  const lacking = await lackingCapabilities();
  if (lacking.length === 0) return;
  throw new UserError(
    'PERMISSION',
    `A private libvirt host makes namespaces and mounts, which root may not do here: it lacks ${lacking.join(', ')}`,
    { hints: ['in a container: start that with --privileged', 'or name a libvirt elsewhere with --uri'] },
  );
}

async function lackingCapabilities(): Promise<string[]> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return []; // no such line: what follows will say what is missing
  const bits = BigInt(`0x${effective}`);
  return Object.entries(capabilities)
    .filter(([, bit]) => ((bits >> bit) & 1n) === 0n)
    .map(([name]) => name);
}

/** Throws a UserError for a folder that holds something, but no private host. */
export async function refuseForeign(dir: string): Promise<void> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  // the first file of a host; one of that name with a suffix is what a killed start left
  const mark = basename(layout(dir).uuid);
  if (names.length === 0 || names.some((name) => name.startsWith(mark))) return;
  throw new UserError('STATE_DAMAGED', `${dir} is not the folder of a private libvirt host; it stays`, {
    hints: [`it has no ${mark}; if it is of no use, delete it: rm -r ${dir}`],
  });
}
