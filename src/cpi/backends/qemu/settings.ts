import {
  type AgentSettings,
  cdRomFiles,
  configDriveFiles,
  configDriveLabel,
  configDriveSettingsPath,
  readIsoFile,
  writeIso9660,
} from '../../agent/index.ts';
import type { AgentSettingsStore, VmCid } from '../../backend.ts';
import { CloudError, vmNotFound } from '../../errors.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { readVolume, writeVolume } from '../../on-libvirt/volumes.ts';
import { vmVolumes } from './volume-names.ts';

/**
 * Settings on an ISO labelled config-2, which openstack stemcells look for, and in its file `env`, which vsphere ones read
 * (contract 2.2).
 */
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
        writeIso9660(configDriveLabel, [...configDriveFiles(settings), ...cdRomFiles(settings)]),
      );
    } catch (error) {
      throw cloudErrorFrom(error, `Writing the agent settings of ${vm}`);
    }
  }

  async read(vm: VmCid): Promise<AgentSettings> {
    const iso = await readVolume(await this.#host.pool(), vmVolumes.settings(vm));
    if (!iso) throw vmNotFound(vm);
    const userData = readIsoFile(iso, configDriveSettingsPath);
    if (!userData) throw new CloudError('CloudError', `The settings drive of ${vm} holds no settings`);
    return JSON.parse(userData.toString('utf8')) as AgentSettings;
  }
}
