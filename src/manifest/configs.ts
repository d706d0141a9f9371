import { join } from 'node:path';
import { packageRoot } from '../platform/package-root.ts';
import { cidrOf, offsetOf, type Range, rangeOf, spanOf, toAddress } from './addresses.ts';

/** What tells one director's configs from another's. */
export interface ConfigFacts {
  readonly profile: 'lite' | 'director';
  /** The folder of bosh-deployment. */
  readonly boshDeployment: string;
  readonly network: { readonly cidr: string; readonly gateway: string; readonly ip: string };
  /** lite: the containers' range. */
  readonly workload?: { readonly cidr: string } | undefined;
  readonly cpus: number;
}

/** A config for the director: a file, operations on it and variables, as `bosh update-config` takes them. */
export interface ComposedConfig {
  readonly type: 'cloud' | 'runtime';
  /** Its name at the director. */
  readonly name: string;
  readonly manifestPath: string;
  readonly opsFiles: readonly string[];
  readonly vars: Readonly<Record<string, string | number | readonly string[]>>;
}

/** The configs with which a director of ours can deploy. Pure. */
export function composeConfigs(facts: ConfigFacts): ComposedConfig[] {
  const ours = (path: string): string => join(packageRoot(), path);
  const compilation = { compilation_workers: Math.max(1, Math.min(6, facts.cpus)) };
  const ranges = facts.profile === 'lite' ? containerVars(facts) : vmVars(facts);
  return [
    {
      type: 'cloud',
      name: 'default',
      manifestPath: ours(`manifests/cloud-config-${facts.profile}.yml`),
      opsFiles: [],
      vars: { internal_gw: facts.network.gateway, ...ranges, ...compilation },
    },
    {
      type: 'runtime',
      name: 'dns',
      manifestPath: join(facts.boshDeployment, 'runtime-configs/dns.yml'),
      opsFiles: [ours('ops-files/runtime-dns.yml')],
      vars: { internal_gw: facts.network.gateway },
    },
  ];
}

/** The director counts through a range's addresses: of a large one it is given as much as cf-deployment gives it. */
const mostAddresses = 2 ** 12;
/** A containers' network is in pieces like those of cf-deployment's: static addresses in the lower half of each. */
const pieceSize = 256;
const mostPieces = 4;

function containerVars({ workload }: ConfigFacts): ComposedConfig['vars'] {
  const whole = rangeOf(workload?.cidr ?? '');
  const range: Range = { first: whole.first, size: Math.min(whole.size, mostAddresses) };
  const piece = Math.min(pieceSize, range.size);
  const pieces = Math.min(mostPieces, range.size / piece);
  return {
    workload_range: cidrOf(range),
    workload_gateway: toAddress(range.first + 1),
    workload_static: Array.from({ length: pieces }, (_, at) =>
      spanOf(range, at * piece + (at === 0 ? 2 : 0), at * piece + piece / 2 - 1),
    ),
  };
}

/**
 * VMs beside the director. The upper half of the range is for addresses that the CPI chooses (networks of type dynamic);
 * of the lower one the second quarter is static.
 */
function vmVars({ network }: ConfigFacts): ComposedConfig['vars'] {
  const range = rangeOf(network.cidr);
  const half = range.size / 2;
  const director = offsetOf(range, network.ip);
  const [from, to] = [Math.max(2, half / 4), half / 2 - 1];
  const isStatic = director >= from && director <= to;
  const spans = isStatic
    ? [
        [from, director - 1],
        [director + 1, to],
      ]
    : [[from, to]];
  return {
    internal_cidr: network.cidr,
    internal_ip: network.ip,
    dynamic_addresses: spanOf(range, half, range.size - 2),
    static_addresses: spans.flatMap(([first = 0, last = 0]) =>
      first <= last ? [spanOf(range, first, last)] : [],
    ),
  };
}
