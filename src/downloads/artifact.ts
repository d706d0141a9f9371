/** A file that somebody offers for download, or that lies on this machine. */
export interface Artifact {
  /** For people: `release bosh/283.1.6`. */
  readonly name: string;
  /** Where it is: http(s) addresses, `file://` or a path; each after the first is a mirror, asked when those before it fail. */
  readonly urls: readonly [string, ...string[]];
  /** 40 hex digits. */
  readonly sha1?: string;
  /** 64 hex digits. */
  readonly sha256?: string;
  readonly bytes?: number;
  /** The checksum as a manifest writes it, where that is another text than `sha1`: `sha256:…`, or several with `;` between. */
  readonly digest?: string;
}

/** An artifact that lies on this machine now, as it should be. */
export interface Fetched {
  readonly artifact: Artifact;
  readonly path: string;
  readonly sha1: string;
  readonly sha256: string;
  readonly bytes: number;
}
