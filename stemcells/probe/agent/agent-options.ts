import { join } from 'node:path';
import type { Places } from './places.ts';
import { readText } from './small-files.ts';

/** Where settings may be, by the real agent's names (contract 2.1). */
export type SettingsSource =
  | { readonly Type: 'File'; readonly SettingsPath: string }
  | { readonly Type: 'ConfigDrive'; readonly DiskPaths: readonly string[]; readonly UserDataPath: string }
  | { readonly Type: 'CDROM'; readonly FileName: string };

/** What kind of machine the stemcell is for: the parts of the real agent's agent.json (contract 2.2) that say it. */
export interface AgentOptions {
  readonly sources: readonly SettingsSource[];
  /** The machine's own disks are not the agent's: /var/vcap/data is as it is. */
  readonly skipDiskSetup: boolean;
  /** A persistent disk is a file system, made by the CPI; else it is partitioned and formatted here. */
  readonly preformattedDisks: boolean;
  /** A device is where its hint says; else it is found by serial number, too. */
  readonly literalPaths: boolean;
}

/** The shape of agent.json as far as it is read. */
interface AgentFile {
  readonly Platform?: {
    readonly Linux?: {
      readonly SkipDiskSetup?: boolean;
      readonly UsePreformattedPersistentDisk?: boolean;
      readonly DevicePathResolutionType?: string;
    };
  };
  readonly Infrastructure?: { readonly Settings?: { readonly Sources?: readonly SettingsSource[] } };
}

/** Reads agent.json, which each form of the stemcell has; throws an Error if it is not there or names no source. */
export async function loadOptions({ vcap }: Places): Promise<AgentOptions> {
  const path = join(vcap, 'bosh', 'agent.json');
  const text = await readText(path);
  if (text === undefined) throw new Error(`${path} is not there: nothing says where to look for settings`);
  const file = JSON.parse(text) as AgentFile;
  const sources = file.Infrastructure?.Settings?.Sources ?? [];
  if (sources.length === 0) throw new Error(`${path} names no source of settings`);
  const linux = file.Platform?.Linux ?? {};
  return {
    sources,
    skipDiskSetup: linux.SkipDiskSetup === true,
    preformattedDisks: linux.UsePreformattedPersistentDisk === true,
    literalPaths: !linux.DevicePathResolutionType,
  };
}
