import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectLibvirt } from '../../clients/libvirt/index.ts';
import { messageOf, ToolError, UserError } from '../../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { takeLock } from '../../platform/lock.ts';
import type { Log } from '../../platform/log.ts';
import { packageRoot } from '../../platform/package-root.ts';
import { lastLines, startDaemon } from '../../platform/process.ts';
import { waitFor } from '../../platform/retry.ts';
import { Undo } from '../../platform/undo.ts';
import { findPrivateHost, hostOf, type PrivateHost, startTimeOf } from './find.ts';
import { layout } from './layout.ts';
import { endHolder } from './stop.ts';

const readyTimeoutMs = 60_000;
const lockTimeoutMs = 120_000;
/** A unix socket's path holds 107 bytes; clients outside name the socket by its full path. */
const maxSocketPath = 107;

interface StartOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Starts the private host in `dir`, or finds it running. Networks, pools and VMs with autostart come up with it. Needs
 * root. A host that a killed run left half started is ended and started again.
 */
export async function startPrivateHost(dir: string, options: StartOptions): Promise<PrivateHost> {
  refuseImpossible(dir);
  await using _lock = await takeLock(layout(dir).lock, lockTimeoutMs, 'starting the private libvirt host');
  const running = await findPrivateHost(dir);
  if (running && (await answers(running, options))) return running;
  if (running) await endHolder(running.pid);
  await writeConfiguration(dir);
  await using undo = new Undo(options.log);
  const host = await launch(dir);
  undo.defer('end the private host', () => endHolder(host.pid));
  if (!(await answers(host, options))) throw await failure(dir);
  undo.keep();
  return host;
}

function refuseImpossible(dir: string): void {
  if (process.getuid?.() !== 0) {
    throw new UserError('PERMISSION', 'A private libvirt host needs root: it makes namespaces and mounts', {
      hints: ['run as root, or start the machine’s own libvirtd and become a member of the group libvirt'],
    });
  }
  const { socket } = layout(dir);
  if (Buffer.byteLength(socket) <= maxSocketPath) return;
  throw new UserError('USAGE', `${socket} is too long for a socket (${maxSocketPath} bytes)`, {
    hints: ['set XDG_DATA_HOME to a shorter folder'],
  });
}

/** The holder is recorded before anything else can fail, so that a later run finds it. */
async function launch(dir: string): Promise<PrivateHost> {
  const { log, holder } = layout(dir);
  const output = await open(log, 'w', 0o600);
  try {
    const unshare = ['unshare', '--mount', '--pid', '--net', '--ipc', '--fork', '--kill-child'];
    const argv = [...unshare, 'sh', join(packageRoot(), 'libexec', 'private-host-init'), dir] as [
      string,
      ...string[],
    ];
    const { pid } = startDaemon(argv, output.fd, { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' });
    if (pid === undefined) throw new UserError('PREFLIGHT', 'unshare is not installed (package util-linux)');
    await writeFileAtomic(holder, `${pid} ${await startTimeOf(pid)}\n`);
    return hostOf(dir, pid);
  } finally {
    await output.close();
  }
}

/** true once libvirtd answers; false if the host ended or the time ran out. */
async function answers(host: PrivateHost, { log, signal }: StartOptions): Promise<boolean> {
  const answer = await waitFor(
    async () => {
      if ((await findPrivateHost(host.dir))?.pid !== host.pid) return false;
      try {
        await using _libvirt = await connectLibvirt(host.uri, { connectTimeoutMs: 5_000, signal });
        return true;
      } catch (error) {
        log.debug(`private host: ${messageOf(error)}`);
        return undefined;
      }
    },
    { timeoutMs: readyTimeoutMs, intervalMs: 50, signal },
  );
  return answer ?? false;
}

async function failure(dir: string): Promise<ToolError> {
  const { log } = layout(dir);
  const said = lastLines((await readTextIfThere(log)) ?? '', 15);
  return new ToolError('HYPERVISOR', `The private libvirt host in ${dir} did not start:\n${said}`, {
    hints: [`its whole log: ${log}`, 'boshvirt doctor shows what this machine lacks'],
  });
}

async function writeConfiguration(dir: string): Promise<void> {
  const { libvirtConfig } = layout(dir);
  await mkdir(libvirtConfig, { recursive: true, mode: 0o700 });
  const uuidPath = join(dir, 'host-uuid');
  const uuid = (await readTextIfThere(uuidPath)) ?? randomUUID();
  await writeFileAtomic(uuidPath, uuid);
  const templates = join(packageRoot(), 'templates', 'private-host');
  const daemon = await readFile(join(templates, 'libvirtd.conf'), 'utf8');
  await writeFileAtomic(join(libvirtConfig, 'libvirtd.conf'), daemon.replace('{{uuid}}', uuid));
  await writeFileAtomic(
    join(libvirtConfig, 'qemu.conf'),
    await readFile(join(templates, 'qemu.conf'), 'utf8'),
  );
}
