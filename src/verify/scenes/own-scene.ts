import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendConfig, BackendModule, JsonObject } from '../../cpi/backend.ts';
import { cacheFolder } from '../../environment/paths.ts';
import { pickFreeRange } from '../../host/findings/index.ts';
import { guestRoad } from '../../host/forward.ts';
import { findLibvirt } from '../../host/libvirt-service.ts';
import {
  privateHostNames,
  privateHostUri,
  removePrivateHost,
  startPrivateHost,
} from '../../host/private-host/index.ts';
import { UserError } from '../../platform/errors.ts';
import { type Log, silentLog } from '../../platform/log.ts';
import { buildProbeStemcell, type ProbeFormName } from '../../stemcell/index.ts';
import { probeForms } from '../../stemcell/probe-forms.ts';
import { remoteGuests } from '../guests/remote-guests.ts';
import { probeFor } from '../probes.ts';
import { executable } from '../run-executable.ts';
import { neededAddresses, type Scene, type SceneNetwork } from '../scene.ts';
import type { OpenScene } from './open-scene.ts';
import { unpackStemcell } from './stemcell-file.ts';

export interface OwnSceneOptions {
  readonly module: BackendModule;
  /** libvirt's URI; without it the machine's libvirt, or a private host for this one run. */
  readonly uri?: string | undefined;
  /** A stemcell's tarball; without it the probe stemcell in the form that the backend takes. */
  readonly stemcell?: string | undefined;
  readonly vmProperties?: JsonObject | undefined;
  readonly diskProperties?: JsonObject | undefined;
  /** This boshvirt's launcher. */
  readonly boshvirtCommand: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told what is being done, in a few words. */
  readonly say?: (line: string) => void;
}

/** Small, so that many guests fit and boot soon. */
const smallVm = { cpus: 1, memory: 256, ephemeral_disk: 256 };
const diskMb = 64;
/** For documentation (RFC 5737): nobody routes them, and here they never leave the bridge. */
const otherPrefixes = ['198.51.100', '203.0.113'];
const firstHost = 20;

/**
 * An environment of its own for one run, on a backend of ours: storage, network, configuration of the CPI, a way to the guests.
 * Throws a UserError for what this machine lacks; what was made until then is taken away.
 */
export async function ownScene(options: OwnSceneOptions): Promise<OpenScene> {
  await using stack = new AsyncDisposableStack();
  const scene = await layScene(options, stack);
  const kept = stack.move();
  return { scene, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function layScene(options: OwnSceneOptions, stack: AsyncDisposableStack): Promise<Scene> {
  const { module, boshvirtCommand, log, signal, say = () => {} } = options;
  const place = await findPlace(options, stack);
  const name = `verify-${randomBytes(3).toString('hex')}`;
  const config = { environment: name, uri: place.uri, storagePool: name, network: name, options: {} };
  const range = await pickFreeRange([]);
  const prefix = range.replace(/\.\d+\/\d+$/, '');
  say(`laying storage and network (${range})`);
  await layGround(module, config, place.poolPath(name), `${prefix}.1`, stack, log);
  const folder = join(place.folder, 'verify');
  await mkdir(folder, { mode: 0o755 });
  const stemcell = await chooseStemcell(options);
  const networks = [
    networkOn('default', prefix, true),
    ...otherPrefixes.map((other, at) => networkOn(`other-${at + 1}`, other, false)),
  ];
  const managedRange = await pickFreeRange([range]);
  const managedPrefix = managedRange.replace(/\.\d+\/\d+$/, '');
  const addresses = networks[0]?.addresses ?? [];
  const guests = await remoteGuests({ folder, addresses, road: guestRoad(place.netnsPath), signal });
  const cpiAt = async (file: string, uri: string) => {
    const path = join(folder, file);
    await writeFile(path, JSON.stringify(cpiConfig(module.name, { ...config, uri })), { mode: 0o600 });
    return executable([boshvirtCommand, 'cpi', '--config', path]);
  };
  return {
    cpi: await cpiAt('cpi.json', config.uri),
    cutOff: await cpiAt('cut-off.json', `${module.drivers[0]}:///system?socket=${join(folder, 'nobody')}`),
    stemcell: await unpackStemcell(stemcell, folder, signal),
    folder,
    vmProperties: { ...smallVm, ...options.vmProperties },
    diskProperties: options.diskProperties ?? {},
    diskMb,
    networks,
    managedNetwork: {
      definition: {
        type: 'manual',
        range: managedRange,
        gateway: `${managedPrefix}.1`,
        cloud_properties: {},
      },
      address: `${managedPrefix}.${firstHost}`,
      netmask: '255.255.255.0',
    },
    guests,
    hypervisor: stack.use(await probeFor(module.name, config)),
    absent: {},
  };
}

interface Place {
  readonly uri: string;
  readonly folder: string;
  readonly netnsPath: string | undefined;
  poolPath(pool: string): string;
}

/** The libvirt that was named, the machine's own, or a private host that lives as long as the scene. */
async function findPlace(
  { module, uri, log, signal, say = () => {} }: OwnSceneOptions,
  stack: AsyncDisposableStack,
): Promise<Place> {
  const [driver] = module.drivers;
  const found = await findLibvirt(uri, { driver, signal });
  if (found.kind === 'none') refuseOthers();
  const folder = await mkdtemp(join(tmpdir(), 'bv-')); // short: a socket's path holds 107 bytes
  if (found.kind !== 'none') {
    stack.defer(async () => await rm(folder, { recursive: true, force: true }));
    return { uri: found.uri, folder, netnsPath: undefined, poolPath: (pool) => `/var/lib/libvirt/${pool}` };
  }
  stack.defer(async () => await removePrivateHost(folder));
  say('starting a private libvirt host');
  await startPrivateHost(folder, { driver, log, signal });
  const { netnsPath } = privateHostNames(folder);
  return { uri: privateHostUri(folder, driver), folder, netnsPath, poolPath: () => join(folder, 'pool') };
}

function refuseOthers(): void {
  if (process.getuid?.() === 0) return;
  throw new UserError('PERMISSION', 'No libvirt answers, and to run one of its own boshvirt needs root', {
    hints: ['run the same command with sudo -H', 'or name a libvirt that answers you with --uri'],
  });
}

async function layGround(
  module: BackendModule,
  config: BackendConfig,
  poolPath: string,
  gateway: string,
  stack: AsyncDisposableStack,
  log: Log,
): Promise<void> {
  stack.defer(async () => {
    await using backend = await module.open(config, silentLog);
    await backend.ground.clear();
  });
  await using backend = await module.open(config, log);
  const { network: bridge, environment } = config;
  await backend.ground.prepare({
    poolPath,
    bridge,
    gateway,
    prefixLength: 24,
    domain: `${environment}.boshvirt.test`,
  });
}

/** The stemcell's file: the one that was named, or the probe stemcell in a form that this backend takes. */
async function chooseStemcell({
  module,
  stemcell,
  log,
  signal,
  say = () => {},
}: OwnSceneOptions): Promise<string> {
  if (stemcell !== undefined) return stemcell;
  const { stemcellFormats } = module.traits;
  const form = (Object.keys(probeForms) as ProbeFormName[]).find((name) =>
    probeForms[name].stemcellFormats.some((format) => stemcellFormats.includes(format)),
  );
  if (form === undefined) {
    throw new UserError('USAGE', `The probe stemcell has no form that ${module.name} takes`, {
      hints: [`name a stemcell with --stemcell; ${module.name} takes ${stemcellFormats.join(', ')}`],
    });
  }
  return (await buildProbeStemcell({ cacheDir: cacheFolder(), form, log, signal, onStep: say })).path;
}

function networkOn(name: string, prefix: string, hasGateway: boolean): SceneNetwork {
  const spec = { type: 'manual', netmask: '255.255.255.0', prefix: '24', cloud_properties: {} };
  const gateway = hasGateway ? { gateway: `${prefix}.1`, dns: [`${prefix}.1`] } : {};
  const addresses = Array.from({ length: neededAddresses }, (_, at) => `${prefix}.${firstHost + at}`);
  return { name, spec: { ...spec, ...gateway }, addresses };
}

/** cpi.json of this backend; agents listen where the suite tells them to, by create_vm's env. */
const cpiConfig = (
  backend: string,
  { environment, uri, storagePool, network }: BackendConfig,
): JsonObject => ({
  backend,
  environment,
  libvirt: { uri },
  storage_pool: storagePool,
  network,
  agent: { mbus: 'https://nobody:at-all@0.0.0.0:6868' },
});
