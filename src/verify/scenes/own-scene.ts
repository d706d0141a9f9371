import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackendConfig, BackendModule, JsonObject } from '../../cpi/backend.ts';
import { cacheFolder } from '../../environment/paths.ts';
import { pickFreeRange } from '../../host/findings/index.ts';
import { guestRoad } from '../../host/forward.ts';
import { UserError } from '../../platform/errors.ts';
import { type Log, silentLog } from '../../platform/log.ts';
import { buildProbeStemcell, type ProbeFormName } from '../../stemcell/index.ts';
import { probeForms } from '../../stemcell/probe-forms.ts';
import type { CpiProgram } from '../exchange.ts';
import { remoteGuests } from '../guests/remote-guests.ts';
import { probeFor } from '../probes.ts';
import { executable } from '../run-executable.ts';
import { neededAddresses, type Scene, type SceneNetwork } from '../scene.ts';
import type { OpenScene } from './open-scene.ts';
import { findPlace, type Place, type PlaceOptions } from './own-place.ts';
import type { GivenProperties } from './scene-files.ts';
import { unpackStemcell } from './stemcell-file.ts';

export interface OwnSceneOptions extends PlaceOptions {
  /** A stemcell's tarball; without it the probe stemcell in the form that the backend takes. */
  readonly stemcell?: string | undefined;
  /** Over small ones of our own. */
  readonly properties?: GivenProperties | undefined;
  /** This boshvirt's launcher. */
  readonly boshvirtCommand: string;
}

/** Small, so that many guests fit and boot soon. */
const smallVm = { cpus: 1, memory: 256, ephemeral_disk: 256 };
const smallDiskMb = 64;
/** For documentation (RFC 5737): nobody routes them, and here they never leave the bridge. */
const otherPrefixes = ['198.51.100', '203.0.113'];
const firstHost = 20;
const netmask = '255.255.255.0';

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
  const { module, properties, log, signal, say = () => {} } = options;
  const place = await findPlace(options, stack);
  const folder = join(place.folder, 'verify');
  await mkdir(folder, { mode: 0o755 });
  const range = await pickFreeRange([]);
  const managedRange = await pickFreeRange([range]);
  const config = configFor(place);
  say(`laying storage and network (${range})`);
  const ground = { module, gateway: hostIn(range, 1), log };
  await layGround(config, place.poolPath(config.storagePool), ground, stack);
  const stemcell = await unpackStemcell(await chooseStemcell(options), folder, signal);
  const networks = [
    rangeNetwork(range),
    ...otherPrefixes.map((prefix, at) => plainNetwork(`other-${at + 1}`, prefix)),
  ];
  const addresses = Array.from({ length: 253 }, (_, at) => hostIn(range, at + 2));
  return {
    ...(await programs(options, { place, config, ground, folder }, stack)),
    stemcell,
    folder,
    vmProperties: { ...smallVm, ...properties?.vm },
    diskProperties: properties?.disk ?? {},
    diskMb: properties?.diskMb ?? smallDiskMb,
    networks,
    dynamicNetwork: { spec: { cloud_properties: {} }, addresses },
    managedNetwork: {
      definition: {
        type: 'manual',
        range: managedRange,
        gateway: hostIn(managedRange, 1),
        cloud_properties: {},
      },
      address: hostIn(managedRange, firstHost),
      netmask,
    },
    guests: await remoteGuests({ folder, addresses, road: guestRoad(place.netnsPath), signal }),
    hypervisor: stack.use(await probeFor(module.name, config)),
    absent: {},
  };
}

function configFor({ uri, netnsPath }: Place): BackendConfig {
  const name = `verify-${randomBytes(3).toString('hex')}`;
  return {
    environment: name,
    uri,
    storagePool: name,
    network: name,
    networkNamespace: netnsPath,
    options: {},
  };
}

interface GroundOptions {
  readonly module: BackendModule;
  readonly gateway: string;
  readonly log: Log;
}

/** The storage pool and the network of this configuration; they go with `stack`. */
async function layGround(
  config: BackendConfig,
  poolPath: string,
  { module, gateway, log }: GroundOptions,
  stack: AsyncDisposableStack,
): Promise<void> {
  stack.defer(async () => {
    await using backend = await module.open(config, silentLog);
    await backend.ground.clear();
  });
  await using backend = await module.open(config, log);
  const { network: bridge, environment } = config;
  const domain = `${environment}.boshvirt.test`;
  await backend.ground.prepare({ poolPath, bridge, gateway, prefixLength: 24, domain });
}

interface ProgramsPlace {
  readonly place: Place;
  readonly config: BackendConfig;
  readonly ground: GroundOptions;
  readonly folder: string;
}

/** The CPI as bosh starts it: as it is, without its hypervisor, and on a storage without room. */
async function programs(
  { module, boshvirtCommand }: OwnSceneOptions,
  { place, config, ground, folder }: ProgramsPlace,
  stack: AsyncDisposableStack,
): Promise<Pick<Scene, 'cpi' | 'cutOff' | 'cramped'>> {
  const program = async (name: string, changes: Partial<BackendConfig>): Promise<CpiProgram> => {
    const path = join(folder, `${name}.json`);
    await writeFile(path, JSON.stringify(cpiConfig(module.name, { ...config, ...changes })), { mode: 0o600 });
    return executable([boshvirtCommand, 'cpi', '--config', path]);
  };
  const cpi = await program('cpi', {});
  const nobody = `${module.drivers[0]}:///system?socket=${join(folder, 'nobody')}`;
  const cutOff = await program('cut-off', { uri: nobody });
  if (place.crampedFolder === undefined) return { cpi, cutOff };
  const cramped = { environment: `${config.environment}-c`, storagePool: `${config.storagePool}-c` };
  await layGround({ ...config, ...cramped }, place.crampedFolder, ground, stack);
  // a libvirt with mounts of its own does not see ours, and has room there
  if (await hasRoom(module, { ...config, ...cramped })) return { cpi, cutOff };
  return { cpi, cutOff, cramped: await program('cramped', cramped) };
}

async function hasRoom(module: BackendModule, config: BackendConfig): Promise<boolean> {
  await using backend = await module.open(config, silentLog);
  return (await backend.ground.freeBytes()) > smallDiskMb * 2 ** 20;
}

/** The stemcell's file: the one that was named, or the probe stemcell in a form that this backend takes. */
async function chooseStemcell(options: OwnSceneOptions): Promise<string> {
  const { module, stemcell, log, signal, say = () => {} } = options;
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

/** The address of a range of 256 with this last number. */
const hostIn = (range: string, host: number): string => range.replace(/\d+\/\d+$/, String(host));

const plainNetwork = (name: string, prefix: string): SceneNetwork => ({
  name,
  spec: { type: 'manual', netmask, prefix: '24', cloud_properties: {} },
  addresses: Array.from({ length: neededAddresses }, (_, at) => `${prefix}.${firstHost + at}`),
});

/** The network that was laid, with its gateway. */
function rangeNetwork(range: string): SceneNetwork {
  const gateway = hostIn(range, 1);
  const { spec, ...network } = plainNetwork('default', gateway.replace(/\.1$/, ''));
  return { ...network, spec: { ...spec, gateway, dns: [gateway] } };
}

/** cpi.json of this backend; agents listen where the suite tells them to, by create_vm's env. */
const cpiConfig = (backend: string, config: BackendConfig): JsonObject => ({
  backend,
  environment: config.environment,
  libvirt: { uri: config.uri, network_namespace: config.networkNamespace ?? null },
  storage_pool: config.storagePool,
  network: config.network,
  agent: { mbus: 'https://nobody:at-all@0.0.0.0:6868' },
});
