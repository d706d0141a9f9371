import type { AgentSettings } from '../../agent/index.ts';
import type { AgentSettingsStore, VmCid } from '../../backend.ts';
import { vmNotFound } from '../../errors.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { readVolume, writeVolume } from '../../on-libvirt/volumes.ts';
import { vmVolumes } from './volume-names.ts';

/**
 * Settings in a file of the pool that the container sees, read-only, where warden stemcells look for them (contract 2.2): it
 * is there before the agent starts, and can be read here while the container is off.
 */
export class LxcSettings implements AgentSettingsStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  async write(vm: VmCid, settings: AgentSettings): Promise<void> {
    try {
      const text = Buffer.from(JSON.stringify(settings));
      await writeVolume(await this.#host.pool(), vmVolumes.settings(vm), text);
    } catch (error) {
      throw cloudErrorFrom(error, `Writing the agent settings of ${vm}`);
    }
  }

  async read(vm: VmCid): Promise<AgentSettings> {
    const text = await readVolume(await this.#host.pool(), vmVolumes.settings(vm));
    if (!text) throw vmNotFound(vm);
    return JSON.parse(text.toString('utf8')) as AgentSettings;
  }
}
