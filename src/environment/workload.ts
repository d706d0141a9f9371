import type { TakenRange } from '../cpi/backend.ts';
import { inspectHostRange, rangesOverlap } from '../host/findings/index.ts';
import { withoutDriver } from '../host/libvirt-service.ts';
import { rangeOf, toAddress } from '../manifest/addresses.ts';
import { UserError } from '../platform/errors.ts';
import { planNetwork } from './network-plan.ts';
import { type EnvironmentRecord, readableRecords } from './record.ts';
import { rangesOnLibvirt } from './taken-ranges.ts';
import type { UpRequest } from './up-settings.ts';

type Workload = NonNullable<EnvironmentRecord['workload']>;

/** What bosh-lite has always used comes first: manifests and habits know it. */
const usualRanges = Array.from({ length: 12 }, (_, at) => `10.${244 + at}.0.0/16`);
/** Where cf-deployment's operations/bosh-lite.yml puts the router, counted from the range's first address. */
const routerOffset = 34;

/** What the environment is on. */
interface Place {
  readonly chosen: Pick<EnvironmentRecord, 'backend' | 'uri' | 'host'>;
  readonly network: EnvironmentRecord['network'];
  /** What networks of its libvirt have. */
  readonly taken: readonly TakenRange[];
}

/**
 * The range of a lite environment's containers: what stands, what was asked for, else the first usual one that neither another
 * environment nor this machine has; and the domain whose names all lead into it. Throws ADDRESS_CONFLICT, or USAGE for no range.
 */
export async function decideWorkload(
  name: string,
  request: UpRequest,
  place: Omit<Place, 'taken'>,
  before: EnvironmentRecord | undefined,
): Promise<Workload> {
  const asked = request.workloadCidr === 'auto' ? undefined : request.workloadCidr;
  const cidr =
    before?.workload?.cidr ??
    (await freeRange(name, asked, { ...place, taken: await rangesOnLibvirt(name, place.chosen) }));
  const domain = request.domain ?? before?.workload?.domain ?? usualDomain(name);
  refuseNoDomain(domain);
  return { cidr, router: toAddress(rangeOf(cidr).first + routerOffset), domain };
}

const usualDomain = (environment: string): string =>
  environment === 'default' ? 'bosh.test' : `${environment}.bosh.test`;

async function freeRange(name: string, asked: string | undefined, place: Place): Promise<string> {
  if (asked !== undefined) {
    refuseSmall(asked);
    const owner = await ownerOf(asked, name, place);
    if (owner === undefined) return asked;
    throw new UserError('ADDRESS_CONFLICT', `The range ${asked} clashes with ${owner}`, {
      hints: ['choose another with --workload-cidr, or leave it out and boshvirt picks a free one'],
    });
  }
  for (const cidr of usualRanges) if ((await ownerOf(cidr, name, place)) === undefined) return cidr;
  throw new UserError('ADDRESS_CONFLICT', `All of ${usualRanges[0]} to ${usualRanges.at(-1)} is in use`, {
    hints: ['name a range that nothing else uses: --workload-cidr CIDR', 'ip route show table all'],
  });
}

/** Containers of one deployment each have an address of their own; the cloud-config parts the range. */
function refuseSmall(cidr: string): void {
  const { prefixLength } = planNetwork(cidr);
  if (prefixLength <= 20) return;
  throw new UserError('USAGE', `${cidr} is too small a range for containers`, {
    hints: ['give it at least 4096 addresses: a length of 20 or less, as 10.244.0.0/16 has'],
  });
}

/** Who has the range or a part of it, in words; undefined if nobody has. */
async function ownerOf(
  cidr: string,
  name: string,
  { chosen, network, taken }: Place,
): Promise<string | undefined> {
  if (rangesOverlap(cidr, network.cidr)) return `${network.cidr}, the environment’s own network`;
  for (const other of await readableRecords(name)) {
    if (withoutDriver(other.uri) !== withoutDriver(chosen.uri)) continue; // its drivers' networks are in one place
    const clash = [other.network.cidr, other.workload?.cidr].find(
      (theirs) => theirs !== undefined && rangesOverlap(cidr, theirs),
    );
    if (clash !== undefined) return `${clash} of environment '${other.name}'`;
  }
  const theirs = taken.find((range) => rangesOverlap(cidr, range.cidr));
  if (theirs) return `${theirs.cidr} of ${theirs.owner}`;
  // a remote machine's routes cannot be seen from here, and a private host has a network namespace of its own
  if (chosen.host === 'private' || chosen.uri.includes('+ssh:')) return undefined;
  const clash = await inspectHostRange(cidr, network.bridge);
  return clash && `${clash} of this machine`;
}

function refuseNoDomain(domain: string): void {
  if (/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(domain))
    return;
  throw new UserError('USAGE', `'${domain}' is not a domain`, {
    hints: ['write it like bosh.test: small letters, digits, dashes and dots'],
  });
}
