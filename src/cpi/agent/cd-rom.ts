import type { AgentSettings } from './agent-settings.ts';
import type { IsoFile } from './iso9660.ts';

/**
 * What a vsphere stemcell's agent reads from the first CD-ROM drive (contract 2.2). It ejects the disc afterwards and lives on
 * the copy that it keeps; the disc is in the drive again when the VM is started anew.
 */
export function cdRomFiles(settings: AgentSettings): IsoFile[] {
  return [{ path: 'env', content: Buffer.from(JSON.stringify(settings)) }];
}
