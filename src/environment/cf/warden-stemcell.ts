import type { StemcellPin } from '../../manifest/pins.ts';

/** A stemcell as a deployment names it. */
export interface StemcellLine {
  readonly os: string;
  /** Or `latest`: the newest that the director has. */
  readonly version: string;
}

/** A stemcell for containers, as the director and the place of its download name it. */
export interface WardenStemcell extends StemcellLine {
  readonly name: string;
  readonly url: string;
  /** Where it is known. */
  readonly sha1?: string;
}

/** Those before Noble tell in their name that their agent is written in Go; later ones do not. */
const withAgentInName = ['ubuntu-trusty', 'ubuntu-xenial', 'ubuntu-bionic', 'ubuntu-jammy'];

/** The stemcell for containers of a lite environment; from where a pin says, with its checksum, if there is one for it. */
export function wardenStemcell({ os, version }: StemcellLine, pins: readonly StemcellPin[]): WardenStemcell {
  const pin = pins.find((known) => known.os === os && known.version === version);
  if (pin) return pin;
  const name = `bosh-warden-boshlite-${os}${withAgentInName.includes(os) ? '-go_agent' : ''}`;
  const query = version === 'latest' ? '' : `?v=${version}`;
  return { os, version, name, url: `https://bosh.io/d/stemcells/${name}${query}` };
}
