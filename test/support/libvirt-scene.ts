import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  connectLibvirt,
  type Domain,
  type Libvirt,
  LibvirtError,
  type Pool,
} from '../../src/clients/libvirt/index.ts';
import { run } from '../../src/platform/process.ts';
import { startLibvirtd, type TestLibvirtd } from './libvirtd.ts';

export const mib = 1024 * 1024;

/** A libvirtd of a test file's own with a pool `p1`, and virsh as the second opinion. */
export interface LibvirtScene extends AsyncDisposable {
  readonly daemon: TestLibvirtd;
  readonly libvirt: Libvirt;
  readonly pool: Pool;
  /** What virsh prints. */
  virsh(...args: string[]): Promise<string>;
  /** A domain that is gone when its test ends, however it ends. */
  domain(name: string, devices?: string): Promise<Domain & AsyncDisposable>;
}

export async function startScene(): Promise<LibvirtScene> {
  const daemon = await startLibvirtd();
  const libvirt = await connectLibvirt(daemon.uri);
  const pool = await libvirt.definePool(poolXml('p1', join(daemon.folder, 'p1')));
  await pool.build();
  await pool.start();
  return {
    daemon,
    libvirt,
    pool,
    virsh: async (...args) => (await run(['virsh', '-q', '-c', daemon.uri, ...args])).stdout.trim(),
    domain: async (name, devices) => forATest(await libvirt.defineDomain(domainXml(name, devices))),
    async [Symbol.asyncDispose]() {
      await libvirt.close();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

function forATest(made: Domain): Domain & AsyncDisposable {
  return Object.assign(made, {
    async [Symbol.asyncDispose]() {
      if (await made.isActive()) await made.destroy();
      await made.undefine({ managedSave: true, snapshotsMetadata: true, nvram: true });
    },
  });
}

export const poolXml = (name: string, path: string) =>
  `<pool type='dir'><name>${name}</name><target><path>${path}</path></target></pool>`;
export const volumeXml = (name: string, capacityBytes: number, format = 'raw', rest = '') =>
  `<volume><name>${name}</name><capacity>${capacityBytes}</capacity><allocation>0</allocation>
   <target><format type='${format}'/>${rest}</target></volume>`;
export const diskXml = (path: string, target: string) =>
  `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${path}'/>
   <target dev='${target}' bus='virtio'/><alias name='ua-${target}'/></disk>`;
/** A machine that runs without a guest system. */
export const domainXml = (name: string, devices = '') =>
  `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
   <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
   <cpu mode='custom' match='exact'><model>qemu64</model></cpu>
   <devices><memballoon model='none'/><video><model type='none'/></video>${devices}</devices></domain>`;

export async function* bytes(total: number, seed: Buffer): AsyncGenerator<Buffer> {
  for (let left = total; left > 0; left -= seed.length) yield seed.subarray(0, left);
}

export async function digest(source: AsyncIterable<Uint8Array>): Promise<{ sha256: string; length: number }> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { sha256: hash.digest('hex'), length };
}

/** What libvirt said when this failed. */
export async function refusal(work: Promise<unknown>): Promise<LibvirtError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LibvirtError);
  return error as LibvirtError;
}
