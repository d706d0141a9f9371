import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackendName, backendModule } from '../../src/cpi/backends/registry.ts';
import { privateHostUri, removePrivateHost, startPrivateHost } from '../../src/host/private-host/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { Cpi } from './cpi.ts';

const environment = 'bench';
const pool = 'bench';
const network = 'bench';
/** Where the guests' agents listen. */
export const mbus = 'https://mbus:bench@0.0.0.0:6868';

/** A libvirt that nobody else uses, with a storage pool and a network, and a CPI that is configured for it. */
export interface Rig extends AsyncDisposable {
  readonly backend: BackendName;
  /** For whatever a figure needs; deleted with the rest. */
  readonly folder: string;
  readonly uri: string;
  readonly netnsPath: string;
  readonly pool: string;
  readonly poolPath: string;
  readonly cpi: Cpi;
  /** An argv of virsh on this libvirt. */
  virsh(...words: readonly string[]): [string, ...string[]];
  /** A `networks` argument with an address that no other machine of the rig was given. */
  networks(): { readonly default: { readonly ip: string; readonly [key: string]: unknown } };
}

/** Needs root, libvirtd and what the backend needs. Disposing of it ends and deletes all that was made in it. */
export async function openRig(signal: AbortSignal, backend: BackendName): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-')); // short: a socket's path holds 107 bytes
  const hostFolder = join(folder, 'h');
  const close = async () => {
    await removePrivateHost(hostFolder);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { netnsPath } = await startPrivateHost(hostFolder, { driver: backend, log: silentLog, signal });
    const uri = privateHostUri(hostFolder, backend);
    const poolPath = join(hostFolder, 'pool'); // what containers have open there goes with the host
    await prepareGround(backend, uri, poolPath);
    const cpi = new Cpi(await writeCpiConfig(folder, backend, uri));
    const virsh = (...words: readonly string[]): [string, ...string[]] => [
      'virsh',
      '-q',
      '-c',
      uri,
      ...words,
    ];
    return {
      backend,
      folder,
      uri,
      netnsPath,
      pool,
      poolPath,
      cpi,
      virsh,
      networks: addresses(),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Lays the pool and the network as `boshvirt up` does. */
async function prepareGround(backend: BackendName, uri: string, poolPath: string): Promise<void> {
  const module = await backendModule(backend);
  await using opened = await module.open(
    { environment, uri, storagePool: pool, network, options: {} },
    silentLog,
  );
  await opened.ground.prepare({
    poolPath,
    bridge: 'bench0',
    gateway: '10.99.0.1',
    prefixLength: 24,
    domain: 'bench',
  });
}

async function writeCpiConfig(folder: string, backend: BackendName, uri: string): Promise<string> {
  const path = join(folder, 'cpi.json');
  const config = {
    backend,
    environment,
    agent: { mbus, ntp: [] },
    libvirt: { uri },
    storage_pool: pool,
    network,
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

function addresses(): Rig['networks'] {
  let last = 1;
  return () => {
    last = last === 254 ? 2 : last + 1;
    return {
      default: {
        type: 'manual',
        ip: `10.99.0.${last}`,
        netmask: '255.255.255.0',
        gateway: '10.99.0.1',
        dns: ['10.99.0.1'],
        default: ['dns', 'gateway'],
        cloud_properties: {},
      },
    };
  };
}
