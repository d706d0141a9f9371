/** What belongs to one VM, by name, so that a second process finds the remains of a first one that died. */
export const vmVolumes = {
  root: (vm: string) => `${vm}-root.qcow2`,
  ephemeral: (vm: string) => `${vm}-ephemeral.qcow2`,
  settings: (vm: string) => `${vm}-config.iso`,
  console: (vm: string) => `${vm}-console.log`,
} as const;

export const diskVolume = (disk: string): string => `${disk}.qcow2`;
export const snapshotVolume = (snapshot: string): string => `${snapshot}.qcow2`;
