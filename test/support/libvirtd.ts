import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateHostUri, removePrivateHost, startPrivateHost } from '../../src/host/private-host/index.ts';
import { silentLog } from '../../src/platform/log.ts';

/** A libvirtd for one test file, with its own network, mounts and folder; disposing of it ends and deletes all of that. */
export interface TestLibvirtd extends AsyncDisposable {
  /** Of its QEMU driver, unless another one was asked for. */
  readonly uri: string;
  /** Unix socket of the daemon, for clients that take a path. */
  readonly socketPath: string;
  /** A process in its namespaces, for `nsenter -t`. */
  readonly pid: number;
  /** A folder that the daemon's QEMU can read and write, deleted with the rest. */
  readonly folder: string;
}

/** Starts it. Needs root, libvirtd and the driver. */
export async function startLibvirtd(driver = 'qemu'): Promise<TestLibvirtd> {
  const folder = await mkdtemp(join(tmpdir(), 'bv-')); // short: a socket's path holds 107 bytes
  const stop = () => removePrivateHost(folder);
  try {
    const { pid } = await startPrivateHost(folder, {
      driver,
      log: silentLog,
      signal: AbortSignal.timeout(90_000),
    });
    const uri = privateHostUri(folder, driver);
    const socketPath = new URL(uri).searchParams.get('socket') ?? '';
    return { uri, pid, socketPath, folder, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
