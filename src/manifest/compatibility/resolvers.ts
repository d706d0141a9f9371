import type { Finding } from '../../platform/finding.ts';
import type { RuntimeConfig } from './director-manifest.ts';
import { hasSystemd, type StemcellLine } from './stemcell-line.ts';

/** bosh-dns as it is set up for a stemcell's containers, where it asks nobody for names outside of BOSH. */
export function noResolvers({ addons = [] }: RuntimeConfig, stemcell: StemcellLine): Finding[] {
  if (!hasSystemd(stemcell)) return [];
  const alone = addons
    .filter(({ include }) => include?.stemcell?.some(({ os }) => os === stemcell.os) ?? true)
    .filter(({ jobs }) =>
      jobs.some(({ name, properties }) => name === 'bosh-dns' && properties?.disable_recursors === true),
    );
  if (alone.length === 0) return [];
  return [
    {
      id: 'lite.resolvers',
      title: 'Names in containers',
      status: 'warn',
      detail: `${alone.map(({ name }) => name).join(', ')} has disable_recursors, and is for ${stemcell.os}`,
      why: 'systemd-resolved learns of a resolver by DHCP, which containers do not have: names outside of BOSH are refused, and nothing can be staged',
      fix: 'ops-files/runtime-dns.yml has bosh-dns ask the gateway of the network',
    },
  ];
}
