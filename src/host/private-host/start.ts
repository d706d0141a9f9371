import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connectLibvirt, LibvirtError, libvirtErrors } from '../../clients/libvirt/index.ts';
import { messageOf, ToolError, UserError } from '../../platform/errors.ts';
import { readTextIfThere } from '../../platform/files.ts';
import { takeLock } from '../../platform/lock.ts';
import type { Log } from '../../platform/log.ts';
import { packageRoot } from '../../platform/package-root.ts';
import { lastLines, startDaemon } from '../../platform/process.ts';
import { waitFor } from '../../platform/retry.ts';
import { Undo } from '../../platform/undo.ts';
import { makeCgroups } from './cgroups.ts';
import { writeConfiguration } from './configuration.ts';
import { endHost } from './end.ts';
import { findHolder, findPrivateHost, type PrivateHost, privateHost } from './find.ts';
import { layout, ownPaths, privateHostNames, privateHostUri } from './layout.ts';
import { addNetns, attachNetns, deleteNetns, insideNetns } from './network-namespace.ts';
import { childrenNamed, holdersOf, signalProcess, startTimeOf } from './processes.ts';
import { refuseForeign, refuseImpossible } from './refuse.ts';

const readyTimeoutMs = 60_000;
const hungTimeoutMs = 15_000;
const lockTimeoutMs = 120_000;

interface StartOptions {
  /** libvirt's driver for the guests to come: it has to answer. */
  readonly driver: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Starts the private host in the absolute folder `dir`, or finds it running; its guests are never touched then. Networks,
 * pools and guests with autostart come up with a start. What a killed run or a reboot left is cleared first. Needs root;
 * throws a UserError for what cannot be, a ToolError with the end of the host's log if libvirt does not come up.
 */
export async function startPrivateHost(dir: string, options: StartOptions): Promise<PrivateHost> {
  await refuseImpossible(dir);
  await refuseForeign(dir);
  await using _lock = await takeLock(layout(dir).lock, lockTimeoutMs, 'starting the private libvirt host');
  return (await useRunning(dir, options)) ?? (await startAnew(dir, options));
}

/** A host that runs but is not well is mended without touching its guests. */
async function useRunning(dir: string, options: StartOptions): Promise<PrivateHost | undefined> {
  const pid = await findHolder(dir);
  if (pid === undefined) return undefined;
  const host = (await findPrivateHost(dir)) ?? (await nameAgain(dir, pid));
  if (await answers(host, hungTimeoutMs, options)) return host;
  // it hangs, or the driver was installed after its start
  options.log.warn(`the libvirtd of ${dir} does not answer; it is started again, its guests go on`);
  for (const daemon of await childrenNamed(pid, 'libvirtd')) signalProcess(daemon, 'SIGKILL');
  if (await answers(host, readyTimeoutMs, options)) return host;
  throw await failure(dir);
}

async function nameAgain(dir: string, pid: number): Promise<PrivateHost> {
  const { netnsName } = privateHostNames(dir);
  await deleteNetns(netnsName);
  await attachNetns(netnsName, pid);
  return privateHost(dir, pid);
}

async function startAnew(dir: string, options: StartOptions): Promise<PrivateHost> {
  await using undo = new Undo(options.log);
  await endHost(dir, options.log);
  await rm(layout(dir).run, { recursive: true, force: true });
  await writeConfiguration(dir);
  undo.defer('end the private host', () => endHost(dir, options.log));
  const { netnsName, cgroup } = privateHostNames(dir);
  await addNetns(netnsName);
  await makeCgroups(cgroup, options.log);
  const host = await launch(dir, options.signal);
  if (!(host && (await answers(host, readyTimeoutMs, options)))) throw await failure(dir);
  undo.keep();
  return host;
}

/** Gives the host once its first process has said who it is, undefined if that process ended. */
async function launch(dir: string, signal: AbortSignal): Promise<PrivateHost | undefined> {
  const output = await open(layout(dir).log, 'w', 0o600);
  try {
    const outside = await startInit(dir, output);
    return await waitFor(
      async () => {
        const host = await findPrivateHost(dir);
        if (host) return host;
        if ((await startTimeOf(outside)) === undefined) throw await failure(dir);
        return undefined;
      },
      { timeoutMs: readyTimeoutMs, intervalMs: 10, signal },
    );
  } finally {
    await output.close();
  }
}

/** The pid of unshare(1), which waits for the first process inside and ends it if it must end itself. */
async function startInit(dir: string, output: FileHandle): Promise<number> {
  const { netnsPath, cgroup } = privateHostNames(dir);
  const init = ['sh', join(packageRoot(), 'libexec', 'private-host-init'), dir, cgroup, ...ownPaths];
  // slave: what the machine mounts later can be used inside, and what it unmounts is not kept busy
  const mounts = ['--mount', '--propagation', 'slave'];
  const unshare = ['unshare', ...mounts, '--pid', '--ipc', '--fork', '--kill-child', ...init];
  const [program = '', ...args] = insideNetns(netnsPath, unshare);
  const child = startDaemon([program, ...args], output.fd, { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new UserError('PREFLIGHT', `${program} cannot be started (package util-linux)`, { cause })),
    );
  });
  return child.pid as number;
}

/** true once libvirtd's driver answers; false if there is none of that name, the host ended or the time ran out. */
async function answers(
  host: PrivateHost,
  timeoutMs: number,
  { driver, log, signal }: StartOptions,
): Promise<boolean> {
  const answer = await waitFor(
    async () => {
      if ((await findHolder(host.dir)) !== host.pid) return false;
      try {
        await using _libvirt = await connectLibvirt(privateHostUri(host.dir, driver), {
          connectTimeoutMs: 5_000,
          signal,
        });
        return true;
      } catch (error) {
        log.debug(`private host: ${messageOf(error)}`);
        return error instanceof LibvirtError && error.is(libvirtErrors.NO_CONNECT) ? false : undefined;
      }
    },
    { timeoutMs, intervalMs: 50, signal },
  );
  return answer ?? false;
}

async function failure(dir: string): Promise<ToolError> {
  const { log } = layout(dir);
  const said = lastLines((await readTextIfThere(log)) ?? '', 15);
  const holders = await holdersOf(dir);
  return new ToolError('HYPERVISOR', `The private libvirt host in ${dir} did not come up:\n${said}`, {
    output: said,
    hints: [
      `its whole log: ${log}`,
      ...(holders.length > 0 ? [`its processes: ${holders.join(' ')}`] : []),
      'boshvirt doctor shows what this machine lacks',
    ],
  });
}
