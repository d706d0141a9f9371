import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  connectLibvirt,
  type Domain,
  type Libvirt,
  LibvirtError,
  libvirtErrors,
} from '../../clients/libvirt/index.ts';
import { errnoOf, messageOf } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { type Log, silentLog } from '../../platform/log.ts';
import { waitFor } from '../../platform/retry.ts';
import { hostedDrivers } from './configuration.ts';
import { endHost } from './end.ts';
import { findHolder } from './find.ts';
import { layout, privateHostUri } from './layout.ts';
import { refuseForeign } from './refuse.ts';

const lockTimeoutMs = 120_000;

export interface StopOptions {
  readonly log?: Log;
  /** How long guests may take to shut themselves down before their power goes; 60 s unless said. */
  readonly guestTimeoutMs?: number;
}

/** Shuts the guests down and ends the daemons; all definitions and disks stay for the next start. Idempotent. */
export async function stopPrivateHost(dir: string, options: StopOptions = {}): Promise<void> {
  await using _lock = await takeLock(layout(dir).lock, lockTimeoutMs, 'stopping the private libvirt host');
  await stop(dir, options.guestTimeoutMs ?? 60_000, options.log ?? silentLog);
}

/**
 * Cuts the guests' power, ends the daemons and deletes the folder with all disks in it; nothing of the host is left.
 * Idempotent. Throws a UserError for a folder that is no private host's.
 */
export async function removePrivateHost(dir: string, options: { log?: Log } = {}): Promise<void> {
  await refuseForeign(dir);
  await using _lock = await takeLock(layout(dir).lock, lockTimeoutMs, 'removing the private libvirt host');
  await stop(dir, 0, options.log ?? silentLog);
  await deleteFolder(dir);
  await rm(layout(dir).lock, { force: true }); // while it is held: whoever comes next makes one of its own
}

/** The mark that the folder is a host's goes last, so that a killed removal can be finished. */
async function deleteFolder(dir: string): Promise<void> {
  const mark = basename(layout(dir).uuid);
  const names = await readdir(dir).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    if (name !== mark) await rm(join(dir, name), { recursive: true, force: true });
  }
  await rm(dir, { recursive: true, force: true });
}

async function stop(dir: string, guestTimeoutMs: number, log: Log): Promise<void> {
  if ((await findHolder(dir)) !== undefined) {
    try {
      await stopGuests(dir, guestTimeoutMs);
    } catch (error) {
      log.warn(`guests of ${dir} are ended the hard way: ${messageOf(error)}`); // a libvirtd that hangs must not keep us
    }
  }
  await endHost(dir, log);
}

async function stopGuests(dir: string, guestTimeoutMs: number): Promise<void> {
  const uris = (await hostedDrivers()).map((driver) => privateHostUri(dir, driver));
  await Promise.all(uris.map((uri) => stopGuestsAt(uri, guestTimeoutMs)));
}

async function stopGuestsAt(uri: string, guestTimeoutMs: number): Promise<void> {
  await using libvirt = await openIfThere(uri);
  const domains = (await libvirt?.listDomains()) ?? [];
  await Promise.all(domains.map((domain) => stopGuest(domain, guestTimeoutMs)));
}

/** undefined where this machine has no such driver, and so no guests of it. */
async function openIfThere(uri: string): Promise<Libvirt | undefined> {
  try {
    return await connectLibvirt(uri, { connectTimeoutMs: 5_000, callTimeoutMs: 20_000 });
  } catch (error) {
    if (error instanceof LibvirtError && error.is(libvirtErrors.NO_CONNECT)) return undefined;
    throw error;
  }
}

/** Power off comes through libvirt, so that QEMU writes what it holds. */
async function stopGuest(domain: Domain, timeoutMs: number): Promise<void> {
  if (!(await domain.isActive())) return;
  if (timeoutMs > 0) await unlessRefused(domain.shutdown());
  const off = await waitFor(async () => ((await domain.isActive()) ? undefined : true), { timeoutMs });
  if (!off) await unlessRefused(domain.destroy());
}

/** A guest that ended in the meantime, or cannot be asked, is dealt with by what comes next. */
async function unlessRefused(request: Promise<void>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
  }
}
