import { LibvirtError } from '../../../clients/libvirt/index.ts';
import { isYoung } from '../../../platform/young.ts';
import type { Orphan, Owners } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { cidIn, isDiskCid, isSnapshotCid, isStemcellCid, isVmCid } from '../cids.ts';
import { refreshPool } from '../free-bytes.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { whileNobodyImports } from '../stemcells.ts';
import { type StoredVolume, storedVolumes } from '../stored-volumes.ts';
import { type VmRecord, vmRecords } from '../vm-records.ts';
import { deleteVolume, descriptionVolume, isClaimOn, stemcellVolume } from '../volumes.ts';
import { isGone, type Remains } from './remains.ts';

/** Volumes of VMs that are gone, and halves of stemcells, disks and snapshots. */
export const orphanVolumes: Remains = {
  kind: 'volume',
  find: findVolumes,
  async remove(host, name) {
    const cid = cidIn(name) ?? '';
    const pool = await host.pool();
    if (!isStemcellCid(cid)) return await deleteVolume(pool, name);
    await whileNobodyImports(host, cid, async () => {
      const user = (await vmRecords(host.libvirt)).find(({ stemcell }) => stemcell === cid);
      if (user) throw new CloudError('CloudError', `Volume ${name} stays: VM ${user.cid} stands on it`);
      await deleteVolume(pool, name);
    });
  },
};

async function findVolumes(host: LibvirtHost, owners: Owners): Promise<Orphan[]> {
  const pool = await host.libvirt.findPool(host.config.storagePool);
  if (!pool || !(await pool.isActive())) return [];
  await refreshPool(pool).catch((error: unknown) => {
    if (!(error instanceof LibvirtError)) throw error;
    host.log.info(`pool ${pool.name} is busy: files that libvirt does not know yet are not seen`);
  });
  const names = (await pool.listVolumes()).map(({ name }) => name);
  const groups = Map.groupBy(names, (name) => cidIn(name) ?? '');
  groups.delete('');
  const place = { host, owners, records: await vmRecords(host.libvirt) };
  const reasons = new Map<string, string>();
  for (const [cid, group] of groups) {
    const why = await reasonFor(place, cid, group);
    if (why !== undefined) reasons.set(cid, why);
  }
  const stored = await storedVolumes([pool], new Set(reasons.keys()));
  const old = [...Map.groupBy(stored, ({ cid }) => cid).values()].filter(
    (group) => owners.gone || !group.some(({ changedAt }) => isYoung(changedAt)),
  );
  return old.flat().map((volume) => orphanFrom(volume, reasons.get(volume.cid) ?? ''));
}

const orphanFrom = ({ name, bytesOnDisk }: StoredVolume, why: string): Orphan => ({
  kind: 'volume',
  name,
  why,
  bytesOnDisk,
});

interface Place {
  readonly host: LibvirtHost;
  readonly owners: Owners;
  readonly records: readonly VmRecord[];
}

/** Why nothing needs what `volumes`, all those of one CID, are; undefined if something may. */
async function reasonFor(
  { host, owners, records }: Place,
  cid: string,
  volumes: readonly string[],
): Promise<string | undefined> {
  const description = volumes.includes(descriptionVolume(cid));
  const content = volumes.some((name) => name !== descriptionVolume(cid) && !isClaimOn(cid, name));
  if (isVmCid(cid)) {
    const isKnown = owners.cids.has(cid) || (await host.findVm(cid)) !== undefined;
    return isKnown ? undefined : `the VM ${cid} is gone`;
  }
  if (isStemcellCid(cid)) {
    const users = records.filter(({ stemcell }) => stemcell === cid);
    const { environment } = host.config;
    if (users.some((user) => !owners.gone || user.environment !== environment)) return undefined;
    if (owners.gone) return isGone(environment);
    return owners.cids.has(cid) ? undefined : stemcellReason(cid, volumes);
  }
  if (isSnapshotCid(cid)) return content && description ? undefined : `the snapshot ${cid} is a half`;
  return isDiskCid(cid) && !content ? `the disk ${cid} is gone` : undefined;
}

/** Of a stemcell that nobody has written down and no VM stands on. */
function stemcellReason(cid: string, volumes: readonly string[]): string | undefined {
  const [image, description] = [stemcellVolume(cid), descriptionVolume(cid)].map((name) =>
    volumes.includes(name),
  );
  if (!image) return `the stemcell ${cid} has no image`;
  if (!description) return `the stemcell ${cid} is a half`;
  return volumes.some((name) => isClaimOn(cid, name)) ? undefined : `the stemcell ${cid} is nobody’s`;
}
