export {
  type AgentSettings,
  buildAgentSettings,
} from './agent-settings.ts';
export { cdRomFiles } from './cd-rom.ts';
export { configDriveFiles, configDriveLabel, configDriveSettingsPath } from './config-drive.ts';
export type { IsoFile } from './iso9660.ts';
export type { NetworkSpec } from './networks.ts';
export { readIsoFile } from './read-iso-file.ts';
export { writeIso9660 } from './write-iso9660.ts';
