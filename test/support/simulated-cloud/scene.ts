import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Scene, SceneNetwork } from '../../../src/verify/scene.ts';
import { SimulatedCloud } from './cloud.ts';
import { SimulatedGuests } from './guests.ts';
import { simulatedProbe } from './probe.ts';

export interface SimulatedScene extends AsyncDisposable {
  readonly cloud: SimulatedCloud;
  readonly scene: Scene;
}

/** A scene for the contract suite on a cloud in memory. */
export async function simulatedScene(): Promise<SimulatedScene> {
  const folder = await mkdtemp(join(tmpdir(), 'simulated-'));
  const imagePath = join(folder, 'image');
  await writeFile(imagePath, gzipSync('the content of an image'));
  const cloud = new SimulatedCloud(imageAt);
  const scene: Scene = {
    cpi: cloud.program,
    cutOff: cloud.cutOff,
    cramped: cloud.cramped,
    stemcell: { imagePath, cloudProperties: {}, apiVersion: 3, formats: ['simulated'] },
    folder,
    vmProperties: { cpus: 1, memory: 256, ephemeral_disk: 256 },
    diskProperties: {},
    diskMb: 32,
    networks: ['default', 'second', 'third'].map((name, at) => network(name, `10.0.${at}`)),
    dynamicNetwork: { spec: { cloud_properties: {} }, addresses: [] },
    managedNetwork: {
      definition: { type: 'manual', range: '10.9.0.0/24', gateway: '10.9.0.1', cloud_properties: {} },
      address: '10.9.0.10',
      netmask: '255.255.255.0',
    },
    guests: new SimulatedGuests(cloud),
    hypervisor: simulatedProbe(cloud),
    absent: {},
  };
  const remove = async () => await rm(folder, { recursive: true });
  return { cloud, scene, [Symbol.asyncDispose]: remove };
}

function network(name: string, prefix: string): SceneNetwork {
  const spec = {
    type: 'manual',
    netmask: '255.255.255.0',
    prefix: '24',
    gateway: `${prefix}.1`,
    cloud_properties: {},
  };
  return { name, spec, addresses: Array.from({ length: 16 }, (_, at) => `${prefix}.${10 + at}`) };
}

/** A file's bytes, if it is packed as an image is. */
function imageAt(path: string): string | undefined {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  return bytes.subarray(0, 2).toString('hex') === '1f8b' ? bytes.toString('hex') : undefined;
}
