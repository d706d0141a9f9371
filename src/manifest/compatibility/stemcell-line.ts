/** What of a stemcell decides whether others fit it. */
export interface StemcellLine {
  readonly os: string;
  readonly version: string;
}

/** Out of a stemcell's name (`bosh-warden-boshlite-ubuntu-jammy-go_agent`); undefined where it tells no system. */
export function stemcellLineOf(name: string, version: string): StemcellLine | undefined {
  const os = name.match(/(?:^|-)(ubuntu-[a-z]+)(?:-|$)/)?.[1];
  return os === undefined ? undefined : { os, version };
}

export const words = ({ os, version }: StemcellLine): string => `${os} ${version}`;

const beforeNoble = ['ubuntu-trusty', 'ubuntu-xenial', 'ubuntu-bionic', 'ubuntu-jammy'];

/** Since Noble a stemcell's first process is systemd, in a container too, and its resolver systemd-resolved. */
export const hasSystemd = ({ os }: StemcellLine): boolean => !beforeNoble.includes(os);
