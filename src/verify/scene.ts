import type { JsonObject, JsonValue } from '../cpi/backend.ts';
import type { Need } from './clause.ts';
import type { CpiProgram } from './exchange.ts';
import type { Guests } from './guests/guest.ts';
import type { HypervisorProbe } from './hypervisor-probe.ts';

/** A network that VMs may be put on, with addresses that nobody else has. */
export interface SceneNetwork {
  /** Its name in BOSH's requests. */
  readonly name: string;
  /** Everything but ip and default, as bosh sends it. */
  readonly spec: JsonObject;
  readonly addresses: readonly string[];
}

export interface SceneStemcell {
  /** The file `image` out of the stemcell's tarball. */
  readonly imagePath: string;
  readonly cloudProperties: JsonObject;
  readonly apiVersion: number;
  readonly formats: readonly string[];
}

/** A CPI with everything that is needed to try it. */
export interface Scene {
  readonly cpi: CpiProgram;
  /** The same CPI with its hypervisor out of reach. */
  readonly cutOff?: CpiProgram;
  /** The same CPI on a storage that has no room for a disk. */
  readonly cramped?: CpiProgram;
  readonly stemcell: SceneStemcell;
  /** A folder for files of ours, which the CPI may read. */
  readonly folder: string;
  readonly vmProperties: JsonObject;
  readonly diskProperties: JsonObject;
  /** MiB of the smallest disk to make; larger ones are multiples of it. */
  readonly diskMb: number;
  /** The first one has the default gateway; there is at least one. */
  readonly networks: readonly SceneNetwork[];
  /** A network where the CPI chooses the address, and those that it may choose: everything but type, as bosh sends it. */
  readonly dynamicNetwork?: { readonly spec: JsonObject; readonly addresses: readonly string[] };
  /** create_network's argument, and an address in that network. */
  readonly managedNetwork?: {
    readonly definition: JsonObject;
    readonly address: string;
    readonly netmask: string;
  };
  readonly guests?: Guests;
  readonly hypervisor?: HypervisorProbe;
  /** Why a need is not met. */
  readonly absent: Readonly<Partial<Record<Need, string>>>;
}

/** How many addresses of the first network the clauses use. */
export const neededAddresses = 16;
/** And of each of the others. */
export const neededElsewhere = 4;

/** create_vm's networks: of each network the address with this number, the first network with the default gateway. */
export function networksFor(networks: readonly SceneNetwork[], number: number): Record<string, JsonValue> {
  return Object.fromEntries(
    networks.map(({ name, spec, addresses }, at) => [
      name,
      { ...spec, ip: addresses[number] ?? '', ...(at === 0 ? { default: ['dns', 'gateway'] } : {}) },
    ]),
  );
}
