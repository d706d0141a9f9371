import { rm } from 'node:fs/promises';
import type { Backend, Census, Ground, Owners } from '../../cpi/backend.ts';
import { messageOf } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import type { Log } from '../../platform/log.ts';
import { isYoung } from '../../platform/young.ts';
import { cidsIn, readBoshState } from '../bosh-state.ts';
import { isLost, isStray } from '../ownership.ts';
import { environmentPaths } from '../paths.ts';
import { readRecord } from '../record.ts';
import type { Site } from '../sites.ts';
import { type Finding, isSame, type Outcome } from './finding.ts';

/** One environment on one libvirt, through each backend that may have worked there. */
export interface Territory {
  readonly environment: string;
  /** Nobody has a record of it: all that carries its name is an orphan. */
  readonly gone: boolean;
  readonly sites: readonly Site[];
}

/** Whichever backend tells of it: what stands on something else goes before that. */
const order: readonly Finding['kind'][] = [
  'vm',
  'disk',
  'snapshot',
  'mount',
  'volume',
  'reservation',
  'network',
  'pool',
];

interface Found {
  readonly finding: Finding;
  /** false: it is no orphan any more. */
  remove(): Promise<boolean>;
}

/** What nothing needs in it, in the order in which it can be deleted. */
export async function lookInto(territory: Territory, log: Log): Promise<Finding[]> {
  await using stack = new AsyncDisposableStack();
  return (await look(territory, stack, log)).map(({ finding }) => finding);
}

/**
 * Deletes these findings, if a new look still finds them while nobody works on the environment. What cannot be deleted is
 * told in its outcome. Throws LOCKED if somebody is at work.
 */
export async function clearOf(
  territory: Territory,
  wanted: readonly Finding[],
  log: Log,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const { environment, gone } = territory;
  await using lock = await takeLock(environmentPaths(environment).lock, 0, 'boshvirt prune');
  if (gone && (await readRecord(environment)))
    return wanted.map((finding) => ({ finding, kept: 'the environment is there again' }));
  await using stack = new AsyncDisposableStack();
  if (gone) stack.defer(() => rm(lock.path, { force: true })); // while it is held
  const found = await look(territory, stack, log);
  const outcomes: Outcome[] = [];
  for (const finding of wanted) {
    signal.throwIfAborted();
    const still = found.find((each) => isSame(each.finding, finding));
    outcomes.push({ finding, kept: await keptBy(still) });
  }
  return outcomes;
}

/** Why one stays that was to go; undefined if it went. */
async function keptBy(found: Found | undefined): Promise<string | undefined> {
  try {
    return (await found?.remove()) ? undefined : 'it is gone, or in use by now';
  } catch (error) {
    return messageOf(error);
  }
}

async function look(territory: Territory, stack: AsyncDisposableStack, log: Log): Promise<Found[]> {
  const { environment, gone, sites } = territory;
  const views: { backend: Backend; census: Census }[] = [];
  for (const { module, config } of sites) {
    const backend = stack.use(await module.open(config, log));
    views.push({ backend, census: await censusOf(backend.ground) });
  }
  const known = gone ? new Set<string>() : cidsIn(await readBoshState(environment));
  const vms = views.flatMap(({ census }) => census.vms);
  const stoodOn = gone ? [] : vms.map(({ stemcell }) => stemcell); // each backend sees its own VMs alone
  const owners = { gone, cids: new Set<string>([...known, ...vms.map(({ cid }) => cid), ...stoodOn]) };
  const found: Found[] = [];
  for (const { backend, census } of views)
    found.push(
      ...wholes(territory, backend, census, known),
      ...(await leftovers(territory, backend, owners)),
    );
  const each = found.filter(
    ({ finding }, at) => found.findIndex((other) => isSame(other.finding, finding)) === at,
  );
  return each.sort((a, b) => order.indexOf(a.finding.kind) - order.indexOf(b.finding.kind));
}

/** Without its storage, what is known of an environment is its VMs. */
async function censusOf(ground: Ground): Promise<Census> {
  const { vms, storageActive } = await ground.inventory();
  if (storageActive) return await ground.census();
  const unseen = { metadata: {}, bytesOnDisk: 0, madeAt: undefined };
  return { vms: vms.map((vm) => ({ ...vm, ...unseen })), disks: [], snapshots: [] };
}

/** VMs, disks and snapshots. */
function wholes(
  { environment, gone }: Territory,
  { vms, disks }: Backend,
  census: Census,
  known: ReadonlySet<string>,
): Found[] {
  const goneWords = `the environment '${environment}' is gone`;
  const strays = census.vms.filter((vm) => gone || isStray(vm, known));
  const lost = census.disks.filter((disk) => gone || (isLost(disk, known) && !isYoung(disk.changedAt)));
  const copies = gone ? census.snapshots : [];
  return [
    ...strays.map(({ cid, bytesOnDisk }) => ({
      finding: {
        kind: 'vm' as const,
        name: cid,
        environment,
        why: gone ? goneWords : 'no BOSH has claimed it: its create_vm was cut short',
        bytesOnDisk,
        holdsData: false,
      },
      remove: () => vms.delete(cid).then(() => true),
    })),
    ...lost.map(({ cid, bytesOnDisk }) => ({
      finding: {
        kind: 'disk' as const,
        name: cid,
        environment,
        why: gone ? goneWords : 'no VM has it, and bosh’s state does not know it',
        bytesOnDisk,
        holdsData: true,
      },
      remove: () => disks.delete(cid).then(() => true),
    })),
    ...copies.map(({ cid, bytesOnDisk }) => ({
      finding: {
        kind: 'snapshot' as const,
        name: cid,
        environment,
        why: goneWords,
        bytesOnDisk,
        holdsData: true,
      },
      remove: () => disks.deleteSnapshot(cid).then(() => true),
    })),
  ];
}

async function leftovers({ environment }: Territory, { ground }: Backend, owners: Owners): Promise<Found[]> {
  return (await ground.orphans(owners)).map((orphan) => ({
    finding: { ...orphan, environment, holdsData: false },
    remove: () => ground.removeOrphan(orphan, owners),
  }));
}
