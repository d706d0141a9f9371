/** CIDs as `newCid` makes them: whatever else libvirt has under a name that bosh asks for is somebody else's. */
export const isVmCid = (text: string): boolean => /^vm-[0-9a-f]{17}$/.test(text);
export const isStemcellCid = (text: string): boolean => /^sc-[0-9a-f]{17}$/.test(text);
export const isDiskCid = (text: string): boolean => /^disk-[0-9a-f]{15}$/.test(text);
export const isSnapshotCid = (text: string): boolean => /^snap-[0-9a-f]{15}$/.test(text);
export const isNetworkCid = (text: string): boolean => /^net-[0-9a-f]{16}$/.test(text);

/** The CID that the name of a volume begins with: all volumes of ours are named after what they belong to. */
export const cidIn = (volume: string): string | undefined =>
  /^((?:vm|sc)-[0-9a-f]{17}|(?:disk|snap)-[0-9a-f]{15})[-.]/.exec(volume)?.[1];
