import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestRoad } from '../../host/forward.ts';
import { remoteGuests } from '../guests/remote-guests.ts';
import { executable } from '../run-executable.ts';
import type { OpenScene } from './open-scene.ts';
import { type GivenProperties, readNetworks } from './scene-files.ts';
import { unpackStemcell } from './stemcell-file.ts';

export interface GivenSceneOptions {
  /** The CPI's executable, started without arguments as bosh does it. */
  readonly cpi: string;
  readonly stemcell: string;
  /** The file with networks and addresses. */
  readonly networks: string;
  readonly properties: GivenProperties | undefined;
  readonly signal: AbortSignal;
}

const usualDiskMb = 1024;
const noProbe = 'boshvirt knows no other way to look at the hypervisor of this CPI';

/** Anybody's CPI, with what its owner tells about it. Its guests are reached over this machine's network. */
export async function givenScene(options: GivenSceneOptions): Promise<OpenScene> {
  const { cpi, stemcell, properties, signal } = options;
  const given = await readNetworks(options.networks);
  const folder = await mkdtemp(join(tmpdir(), 'cpi-verify-'));
  const remove = async () => await rm(folder, { recursive: true, force: true });
  try {
    const unpacked = await unpackStemcell(stemcell, folder, signal);
    const addresses = [...given.networks, given.dynamicNetwork].flatMap(
      (network) => network?.addresses ?? [],
    );
    const guests = await remoteGuests({ folder, addresses, road: guestRoad(undefined), signal });
    const scene = {
      cpi: executable([cpi]),
      stemcell: unpacked,
      folder,
      vmProperties: properties?.vm ?? {},
      diskProperties: properties?.disk ?? {},
      diskMb: properties?.diskMb ?? usualDiskMb,
      ...given,
      guests,
      absent: {
        hypervisor: noProbe,
        'cut-off': 'boshvirt does not know how to put the hypervisor of this CPI out of reach',
      },
    } as const;
    return { scene, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
