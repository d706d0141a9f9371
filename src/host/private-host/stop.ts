import { readdir, rm } from 'node:fs/promises';
import { connectLibvirt, type Domain, LibvirtError } from '../../clients/libvirt/index.ts';
import { errnoOf, messageOf, UserError } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { type Log, silentLog } from '../../platform/log.ts';
import { waitFor } from '../../platform/retry.ts';
import { endHost } from './end.ts';
import { findPrivateHost } from './find.ts';
import { layout } from './layout.ts';
import { isThere } from './network-namespace.ts';

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
  await using _lock = await takeLock(layout(dir).lock, lockTimeoutMs, 'removing the private libvirt host');
  await refuseForeign(dir);
  await stop(dir, 0, options.log ?? silentLog);
  await rm(dir, { recursive: true, force: true });
  await rm(layout(dir).lock, { force: true }); // while it is held: whoever comes next makes one of its own
}

async function refuseForeign(dir: string): Promise<void> {
  if (await isThere(layout(dir).uuid)) return;
  const names = await readdir(dir).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0) return;
  throw new UserError('STATE_DAMAGED', `${dir} is not the folder of a private libvirt host; it stays`, {
    hints: [`it has no host-uuid; if it is of no use, delete it: rm -r ${dir}`],
  });
}

async function stop(dir: string, guestTimeoutMs: number, log: Log): Promise<void> {
  const host = await findPrivateHost(dir);
  if (host) {
    try {
      await stopGuests(host.uri, guestTimeoutMs);
    } catch (error) {
      log.warn(`guests of ${dir} are ended the hard way: ${messageOf(error)}`); // a libvirtd that hangs must not keep us
    }
  }
  await endHost(dir);
}

async function stopGuests(uri: string, guestTimeoutMs: number): Promise<void> {
  await using libvirt = await connectLibvirt(uri, { connectTimeoutMs: 5_000, callTimeoutMs: 20_000 });
  await Promise.all((await libvirt.listDomains()).map((domain) => stopGuest(domain, guestTimeoutMs)));
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
