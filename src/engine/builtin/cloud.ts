import { ToolError } from '../../platform/errors.ts';
import { CpiCallError, type CpiClient } from '../cpi-client.ts';
import type { JsonValue } from '../engine.ts';
import type { NodeMap } from '../template/index.ts';

/** create_vm's arguments, named (contract 1.3). */
export interface VmRequest {
  readonly agentId: string;
  readonly stemcell: string;
  readonly cloudProperties: NodeMap;
  readonly networks: NodeMap;
  readonly disks: readonly string[];
  readonly env: NodeMap;
}

/**
 * The CPI's methods as the bosh CLI uses them: what is not there counts as deleted, metadata that a CPI does not keep are no
 * failure. Throws CpiCallError for the CPI's errors and a ToolError for answers of another kind than the contract's.
 */
export class Cloud {
  readonly #cpi: CpiClient;

  constructor(cpi: CpiClient) {
    this.#cpi = cpi;
  }

  async createStemcell(imagePath: string, cloudProperties: NodeMap): Promise<string> {
    return await this.#cid('create_stemcell', [imagePath, cloudProperties]);
  }

  async deleteStemcell(cid: string): Promise<void> {
    await this.#unless('StemcellNotFound', 'delete_stemcell', [cid]);
  }

  async hasVm(cid: string): Promise<boolean> {
    const answer = await this.#cpi.call('has_vm', [cid]);
    if (typeof answer === 'boolean') return answer;
    throw unexpected('has_vm', 'true or false', answer);
  }

  async createVm(request: VmRequest): Promise<string> {
    const { agentId, stemcell, cloudProperties, networks, disks, env } = request;
    return await this.#cid('create_vm', [agentId, stemcell, cloudProperties, networks, disks, env]);
  }

  async deleteVm(cid: string): Promise<void> {
    await this.#unless('VMNotFound', 'delete_vm', [cid]);
  }

  async setVmMetadata(cid: string, metadata: NodeMap): Promise<void> {
    await this.#unless('NotImplemented', 'set_vm_metadata', [cid, metadata]);
  }

  async createDisk(sizeMb: number, cloudProperties: NodeMap, vm: string): Promise<string> {
    return await this.#cid('create_disk', [sizeMb, cloudProperties, vm]);
  }

  async deleteDisk(cid: string): Promise<void> {
    await this.#unless('DiskNotFound', 'delete_disk', [cid]);
  }

  /** Gives the hint for the agent; null if the CPI has none. */
  async attachDisk(vm: string, disk: string): Promise<JsonValue> {
    return await this.#cpi.call('attach_disk', [vm, disk]);
  }

  async detachDisk(vm: string, disk: string): Promise<void> {
    await this.#cpi.call('detach_disk', [vm, disk]);
  }

  async setDiskMetadata(cid: string, metadata: NodeMap): Promise<void> {
    await this.#unless('NotImplemented', 'set_disk_metadata', [cid, metadata]);
  }

  /** A CID; create_vm gives it together with the networks. */
  async #cid(method: string, args: readonly JsonValue[]): Promise<string> {
    const answer = await this.#cpi.call(method, args);
    const cid: unknown = Array.isArray(answer) ? answer[0] : answer;
    if (typeof cid === 'string' && cid !== '') return cid;
    throw unexpected(method, 'a CID', answer);
  }

  async #unless(type: string, method: string, args: readonly JsonValue[]): Promise<void> {
    try {
      await this.#cpi.call(method, args);
    } catch (error) {
      if (!isCloudError(error, type)) throw error;
    }
  }
}

/** Whether the CPI said `Bosh::Clouds::<type>`. */
export function isCloudError(error: unknown, type: string): boolean {
  return error instanceof CpiCallError && error.type === `Bosh::Clouds::${type}`;
}

function unexpected(method: string, wanted: string, answer: JsonValue): ToolError {
  return new ToolError(
    'CPI',
    `The CPI answered ${method} with ${JSON.stringify(answer)}, not with ${wanted}`,
  );
}
