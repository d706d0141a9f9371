import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rawDisk, tgz } from '../unit/cpi/stemcell/images.ts';
import { type CpiHost, networkAt } from './cpi-host.ts';

/** VMs without a guest: just enough memory for the BIOS, which finds nothing to boot and waits. */
export class SmallVms {
  readonly #host: CpiHost;
  readonly stemcell: string;

  private constructor(host: CpiHost, stemcell: string) {
    this.#host = host;
    this.stemcell = stemcell;
  }

  static async on(host: CpiHost): Promise<SmallVms> {
    return new SmallVms(
      host,
      String(await host.cpi.call('create_stemcell', await smallImage(host, 'small'), {})),
    );
  }

  /** Makes one at this last number of the network's addresses and gives its CID. */
  async create(number: number, request: Partial<SmallVmRequest> = {}): Promise<string> {
    const created = await this.#host.cpi.call('create_vm', ...this.request({ address: number, ...request }));
    return (created as [string])[0];
  }

  /** create_vm's arguments. */
  request({
    address = 9,
    stemcell = this.stemcell,
    properties,
    networks,
  }: Partial<SmallVmRequest>): unknown[] {
    const size = { cpus: 1, memory: 64, ephemeral_disk: 16, ...properties };
    return [`agent-${address}`, stemcell, size, networks ?? { default: networkAt(address) }, [], {}];
  }
}

interface SmallVmRequest {
  readonly address: number;
  readonly stemcell: unknown;
  /** Besides the size. */
  readonly properties: object;
  readonly networks: object;
}

/** Writes a stemcell's file `image` that no other name has, and gives its path. */
export async function smallImage(host: CpiHost, name: string, bytes = 256 << 10): Promise<string> {
  const path = join(host.libvirtd.folder, `image-${name}`);
  const content = rawDisk(bytes);
  content.write(name, 1024);
  await writeFile(path, await tgz({ name: 'root.img', content }));
  return path;
}
