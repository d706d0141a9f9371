import type { AgentSettings } from './agent-settings.ts';
import type { IsoFile } from './iso9660.ts';

/** The label by which an OpenStack stemcell's agent finds the drive (contract 2.2). */
export const configDriveLabel = 'config-2';

/** Where the agent's settings lie on the drive. */
export const configDriveSettingsPath = 'ec2/latest/user-data';

/**
 * The files of a config drive. meta-data.json must be there even though it says nothing: the agent asks for the
 * infrastructure's SSH key first, and goes on to HTTP if it cannot (contract 2.2).
 */
export function configDriveFiles(settings: AgentSettings): IsoFile[] {
  return [
    jsonFile('ec2/latest/meta-data.json', { 'instance-id': settings.vm.id, 'public-keys': {} }),
    jsonFile(configDriveSettingsPath, settings),
  ];
}

function jsonFile(path: string, value: unknown): IsoFile {
  return { path, content: Buffer.from(JSON.stringify(value)) };
}
