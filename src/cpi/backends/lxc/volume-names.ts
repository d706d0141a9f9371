/** What belongs to one VM, by name, so that a second process finds the remains of a first one that died. */
export const vmVolumes = {
  root: (vm: string) => `${vm}-root.img`,
  ephemeral: (vm: string) => `${vm}-ephemeral.img`,
  settings: (vm: string) => `${vm}-settings.json`,
  console: (vm: string) => `${vm}-console.log`,
} as const;

export const diskVolume = (disk: string): string => `${disk}.img`;
export const snapshotVolume = (snapshot: string): string => `${snapshot}.img`;
