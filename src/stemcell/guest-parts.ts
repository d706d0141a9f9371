import type { PackageWish } from './debian-packages.ts';

/** A file of the guest that comes from a Debian package. */
export interface PackageFile {
  /** Where it may lie in its package. */
  readonly from: readonly string[];
  readonly to: string;
  /** 0755 unless said. */
  readonly mode?: number;
}

/** A file of the guest that is one of ours. */
export interface OwnFile {
  /** Below stemcells/probe/guest. */
  readonly from: string;
  readonly to: string;
  readonly mode: number;
}

/** A file of the guest that lies anywhere on the building machine. */
export interface MachineFile {
  readonly path: string;
  readonly to: string;
  readonly mode: number;
  /** Leaves out what only linkers and debuggers read. */
  readonly withoutSymbols?: boolean;
}

/** What makes a guest, or a part of one. */
export interface GuestParts {
  /** What packageFiles and their libraries come from, for Debian 12 and 13; only what is needed of them goes in. */
  readonly packages: readonly PackageWish[];
  /** Kernel drivers that the guest loads at its start, in this order. */
  readonly drivers: readonly string[];
  readonly packageFiles: readonly PackageFile[];
  readonly ownFiles: readonly OwnFile[];
  /** Paths of folders that are there though nothing is in them. */
  readonly folders: readonly string[];
  /** Symbolic links: path to target. */
  readonly links: Readonly<Record<string, string>>;
  /** Short files: path to content. */
  readonly texts: Readonly<Record<string, string>>;
  /** Lines of /etc/inittab: what busybox' init starts. */
  readonly inittab: readonly string[];
}

/** What a guest may run in: a virtual machine with disks, or a container. */
export type ProbeFormName = 'vm' | 'container';

/** An agent for the guest, and all that is there for its sake. */
export interface GuestAgent {
  /** Tells stemcells with this agent from others in their version; part of a word, or empty. */
  readonly mark: string;
  readonly parts: GuestParts;
  /** What it needs besides, by what it runs in. */
  readonly formParts: Readonly<Record<ProbeFormName, GuestParts>>;
  readonly files: readonly MachineFile[];
}

/** No part at all: what parts begin with that say only some of it. */
export const noParts: GuestParts = {
  packages: [],
  drivers: [],
  packageFiles: [],
  ownFiles: [],
  folders: [],
  links: {},
  texts: {},
  inittab: [],
};

/** All of them in one guest, in their order. */
export function joinParts(...parts: readonly GuestParts[]): GuestParts {
  return {
    packages: [...new Set(parts.flatMap(({ packages }) => packages))],
    drivers: parts.flatMap(({ drivers }) => drivers),
    packageFiles: parts.flatMap(({ packageFiles }) => packageFiles),
    ownFiles: parts.flatMap(({ ownFiles }) => ownFiles),
    folders: parts.flatMap(({ folders }) => folders),
    links: Object.assign({}, ...parts.map(({ links }) => links)),
    texts: Object.assign({}, ...parts.map(({ texts }) => texts)),
    inittab: parts.flatMap(({ inittab }) => inittab),
  };
}
