import { type AgentSettings, configDriveFiles, readIsoFile, writeIso9660 } from '../../agent/index.ts';
import type { AgentSettingsStore, VmCid } from '../../backend.ts';
import { CloudError, vmNotFound } from '../../errors.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { readVolume, writeVolume } from '../../on-libvirt/volumes.ts';
import { vmVolumes } from './volume-names.ts';

/** Settings on an ISO labelled config-2, which openstack stemcells look for (contract 2.2). */
export class QemuSettings implements AgentSettingsStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  async write(vm: VmCid, settings: AgentSettings): Promise<void> {
    try {
      await writeVolume(
        await this.#host.pool(),
        vmVolumes.settings(vm),
        writeIso9660('config-2', configDriveFiles(settings)),
      );
    } catch (error) {
      throw cloudErrorFrom(error, `Writing the agent settings of ${vm}`);
    }
  }

  async read(vm: VmCid): Promise<AgentSettings> {
    const iso = await readVolume(await this.#host.pool(), vmVolumes.settings(vm));
    if (!iso) throw vmNotFound(vm);
    const userData = readIsoFile(iso, 'ec2/latest/user-data');
    if (!userData) throw new CloudError('CloudError', `The settings drive of ${vm} holds no settings`);
    return JSON.parse(userData.toString('utf8')) as AgentSettings;
  }
}
