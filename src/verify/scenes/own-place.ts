import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendModule } from '../../cpi/backend.ts';
import { findLibvirt } from '../../host/libvirt-service.ts';
import {
  privateHostNames,
  privateHostUri,
  removePrivateHost,
  startPrivateHost,
} from '../../host/private-host/index.ts';
import { UserError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { run } from '../../platform/process.ts';

export interface PlaceOptions {
  readonly module: BackendModule;
  /** libvirt's URI; without it the machine's libvirt, or a private host for this one run. */
  readonly uri?: string | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told what is being done, in a few words. */
  readonly say?: (line: string) => void;
}

/** A libvirt to try a backend on. */
export interface Place {
  readonly uri: string;
  /** For our own files. */
  readonly folder: string;
  /** Of a private host. */
  readonly netnsPath: string | undefined;
  /** A folder with next to no room; undefined where none can be made. */
  readonly crampedFolder: string | undefined;
  poolPath(pool: string): string;
}

/** The libvirt that was named, the machine's own, or a private host that lives as long as `stack`. */
export async function findPlace(options: PlaceOptions, stack: AsyncDisposableStack): Promise<Place> {
  const { module, uri, log, signal, say = () => {} } = options;
  const [driver] = module.drivers;
  const found = await findLibvirt(uri, { driver, signal });
  if (found.kind === 'none') requireRoot();
  // before the private host starts: on some machines it sees no mount that is made later
  const crampedFolder = uri?.includes('+ssh:') ? undefined : await makeCrampedFolder(stack);
  const folder = await mkdtemp(join(tmpdir(), 'bv-')); // short: a socket's path holds 107 bytes
  if (found.kind !== 'none') {
    stack.defer(async () => await rm(folder, { recursive: true, force: true }));
    const poolPath = (pool: string) => `/var/lib/libvirt/${pool}`;
    return { uri: found.uri, folder, netnsPath: undefined, crampedFolder, poolPath };
  }
  stack.defer(async () => await removePrivateHost(folder));
  say('starting a private libvirt host');
  await startPrivateHost(folder, { driver, log, signal });
  const { netnsPath } = privateHostNames(folder);
  const poolPath = () => join(folder, 'pool');
  return { uri: privateHostUri(folder, driver), folder, netnsPath, crampedFolder, poolPath };
}

const isRoot = (): boolean => process.getuid?.() === 0;

function requireRoot(): void {
  if (isRoot()) return;
  throw new UserError('PERMISSION', 'No libvirt answers, and to run one of its own boshvirt needs root', {
    hints: ['run the same command with sudo -H', 'or name a libvirt that answers you with --uri'],
  });
}

/** A file system in memory, too small for any disk. */
async function makeCrampedFolder(stack: AsyncDisposableStack): Promise<string | undefined> {
  if (!isRoot()) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'bv-'));
  stack.defer(async () => await rm(folder, { recursive: true, force: true }));
  await run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  stack.defer(async () => {
    // 32: libvirt, elsewhere among the mounts, has deleted the folder and the mount with it
    await run(['umount', folder], { okExitCodes: [32] });
  });
  return folder;
}
