import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import type { JsonObject } from '../../cpi/backend.ts';
import { errnoOf, messageOf, UserError } from '../../platform/errors.ts';
import { neededAddresses, neededElsewhere, type Scene, type SceneNetwork } from '../scene.ts';

z.config(en());
const mostAddresses = 1024;
const hash = z.record(z.string(), z.unknown());

/** `--networks FILE`: docs/cpi-verify.md describes it. Other keys of a network go to the CPI as they are. */
const networksSchema = z.strictObject({
  networks: z
    .array(z.looseObject({ name: z.string(), addresses: z.array(z.string()) }))
    .check(z.minLength(1)),
  dynamic: z.optional(z.looseObject({ addresses: z.array(z.string()) })),
  managed: z.optional(
    z.strictObject({
      range: z.string(),
      gateway: z.string(),
      netmask: z.string(),
      address: z.string(),
      cloud_properties: z._default(hash, {}),
    }),
  ),
});

/** `--cloud-properties FILE`. */
const propertiesSchema = z.strictObject({
  vm: z._default(hash, {}),
  disk: z._default(hash, {}),
  disk_size: z.optional(z.int().check(z.positive())),
});

export type GivenNetworks = Pick<Scene, 'networks' | 'dynamicNetwork' | 'managedNetwork'>;

/** Throws a UserError that names the file and what is wrong in it. */
export async function readNetworks(path: string): Promise<GivenNetworks> {
  const { networks, dynamic, managed } = await read('networks file', path, networksSchema);
  const scene = networks.map(({ name, addresses, ...spec }): SceneNetwork => {
    return {
      name,
      spec: spec as JsonObject,
      addresses: addresses.flatMap((range) => addressesIn(path, range)),
    };
  });
  const [first] = scene;
  if (first === undefined || first.addresses.length < neededAddresses) {
    throw wrong('networks file', path, `the first network has ${first?.addresses.length ?? 0} addresses`, [
      `the clauses need ${neededAddresses} of them, which nobody else uses`,
    ]);
  }
  const short = scene.find(({ addresses }) => addresses.length < neededElsewhere);
  if (short !== undefined) {
    throw wrong('networks file', path, `network '${short.name}' has ${short.addresses.length} addresses`, [
      `the clauses need ${neededElsewhere} of each network besides the first`,
    ]);
  }
  return {
    networks: scene,
    ...(dynamic ? { dynamicNetwork: dynamicNetworkOf(path, dynamic) } : {}),
    ...(managed ? { managedNetwork: managedNetworkOf(managed) } : {}),
  };
}

type NetworksFile = z.output<typeof networksSchema>;

const dynamicNetworkOf = (path: string, { addresses, ...spec }: NonNullable<NetworksFile['dynamic']>) => ({
  spec: spec as JsonObject,
  addresses: addresses.flatMap((range) => addressesIn(path, range)),
});

const managedNetworkOf = ({ address, netmask, ...definition }: NonNullable<NetworksFile['managed']>) => ({
  definition: { type: 'manual', ...definition } as JsonObject,
  address,
  netmask,
});

export interface GivenProperties {
  readonly vm: JsonObject;
  readonly disk: JsonObject;
  readonly diskMb: number | undefined;
}

export async function readProperties(path: string): Promise<GivenProperties> {
  const { vm, disk, disk_size: diskMb } = await read('cloud properties file', path, propertiesSchema);
  return { vm: vm as JsonObject, disk: disk as JsonObject, diskMb };
}

async function read<Schema extends z.ZodMiniType>(
  what: string,
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  let content: unknown;
  try {
    content = parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw wrong(
      what,
      path,
      errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error),
      [],
      error,
    );
  }
  const parsed = z.safeParse(schema, content);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path: at, message }) => [...at.map(String), message].join(': '));
  throw wrong(what, path, issues.join('; '), ['docs/cpi-verify.md has an example']);
}

/** `10.0.0.20` or `10.0.0.20-10.0.0.40`. */
function addressesIn(path: string, range: string): string[] {
  const [from = '', to = from] = range.split('-').map((part) => part.trim());
  if (!isIPv4(from) || !isIPv4(to) || toNumber(to) < toNumber(from)) {
    throw wrong('networks file', path, `'${range}' is neither an IPv4 address nor a range of them`, [
      'write it like 10.0.0.20-10.0.0.40',
    ]);
  }
  const length = toNumber(to) - toNumber(from) + 1;
  if (length > mostAddresses) {
    throw wrong('networks file', path, `'${range}' are ${length} addresses`, [
      `give at most ${mostAddresses} in a range: the agents' certificate names them all`,
    ]);
  }
  return Array.from({ length }, (_, at) => toAddress(toNumber(from) + at));
}

const toNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

const wrong = (
  what: string,
  path: string,
  why: string,
  hints: readonly string[],
  cause?: unknown,
): UserError => new UserError('USAGE', `The ${what} ${path} cannot be used: ${why}`, { hints, cause });
