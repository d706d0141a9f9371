/** A program or a file that work on this machine needs, and the Debian package that brings it. */
export interface PackageNeed {
  readonly package: string;
  readonly program?: string;
  /** Where the file lies in one release or another; one of them is enough. */
  readonly files?: readonly string[];
}
