import type { PackageWish } from './debian-packages.ts';
import type { GuestParts, ProbeFormName } from './guest-parts.ts';
import type { GuestSources } from './probe-guest.ts';

/** What is said to those who watch, and what stops the work. */
export interface Making {
  /** A folder for files on their way into the image. */
  readonly work: string;
  say(what: string): void;
  readonly signal: AbortSignal | undefined;
}

/** What a probe stemcell is made for: a machine with disks, or a container. */
export interface ProbeForm {
  readonly name: ProbeFormName;
  /** Of the stemcell. */
  readonly stemcellName: string;
  readonly stemcellFormats: readonly string[];
  /** What stemcell.MF tells the CPI besides name and version. */
  readonly cloudProperties: Readonly<Record<string, unknown>>;
  /** What the guest has in this form besides the parts that are common to all. */
  readonly parts: GuestParts;
  /** Debian's package that depends on the package with the kernel of the day, if the guest brings a kernel. */
  readonly kernelPackage?: PackageWish;
  /** What makes the image; run from where it is unpacked. */
  readonly toolPackages: readonly PackageWish[];
  /** Programs that have to be installed to make the image, by the Debian package that brings them. */
  readonly programs: Readonly<Record<string, readonly string[]>>;
  /** Whatever else decides the image's bytes. */
  readonly recipe: readonly unknown[];
  /** Writes the stemcell's `image` to the new file `path` and gives its SHA-1. */
  writeImage(path: string, sources: GuestSources, making: Making): Promise<string>;
}
