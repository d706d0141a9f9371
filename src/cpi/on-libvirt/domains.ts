import { type Domain, LibvirtError, libvirtErrors } from '../../clients/libvirt/index.ts';
import type { JsonObject, PowerState } from '../backend.ts';
import type { CloudErrorType } from '../errors.ts';
import { cloudErrorFrom, isNoDomain } from './errors.ts';
import { boshMetadataNamespace, boshMetadataXml } from './vm-records.ts';

/** Starts a VM; one that runs already is no error. Other failures are of the type `failure`. */
export async function startDomain(domain: Domain, failure: CloudErrorType): Promise<void> {
  try {
    await domain.start();
  } catch (error) {
    if (isWrongState(error) && (await domain.isActive())) return;
    throw cloudErrorFrom(error, `Starting VM ${domain.name}`, failure);
  }
}

/**
 * Cuts the power and removes the definition with all that hangs on it, whatever state the domain is in; `letGo` frees in
 * between what only the definition tells of.
 */
export async function removeDomain(
  domain: Domain,
  letGo: (domain: Domain) => Promise<void> = async () => {},
): Promise<void> {
  await domain.destroy().catch(unlessWrongState);
  await letGo(domain);
  await undefineDomain(domain);
}

/** Removes the definition of a stopped domain; one that went away meanwhile is no error. */
export async function undefineDomain(domain: Domain): Promise<void> {
  try {
    await domain.undefine({ managedSave: true, snapshotsMetadata: true, nvram: true });
  } catch (error) {
    if (!isUnsupported(error)) return unlessGone(error);
    await domain.undefine().catch(unlessGone); // libvirt's LXC driver keeps nothing of the kind, and knows no flag
  }
}

const isUnsupported = (error: unknown): boolean =>
  error instanceof LibvirtError && error.is(libvirtErrors.INVALID_ARG);

export async function powerState(domain: Domain): Promise<PowerState> {
  if (!(await domain.isActive())) return (await sleeps(domain)) ? 'suspended' : 'off';
  return (await domain.state()).state === 'paused' ? 'paused' : 'running';
}

/** Whether its memory lies on the disk; libvirt's LXC driver keeps none, and knows no such question. */
async function sleeps(domain: Domain): Promise<boolean> {
  try {
    return await domain.hasManagedSave();
  } catch (error) {
    if (error instanceof LibvirtError && error.is(libvirtErrors.NO_SUPPORT)) return false;
    if (isNoDomain(error)) return false;
    throw error;
  }
}

/** Keeps BOSH's metadata with the domain; its `name` becomes the title by which people find the VM. */
export async function keepBoshMetadata(
  domain: Domain,
  metadata: JsonObject,
  environment: string,
): Promise<void> {
  const [live, before] = await Promise.all([domain.isActive(), domain.title({ config: true })]);
  const where = { config: true, live };
  const { deployment, name } = metadata;
  await domain.setMetadata('bosh', boshMetadataNamespace, boshMetadataXml(metadata), where);
  if (typeof name !== 'string') return;
  const line = `${name} (${deployment ?? environment})`;
  const title = line.replaceAll(/\s+/g, ' '); // libvirt takes one line
  if (title !== before) await domain.setTitle(title, where); // each change is written to disk
}

/** libvirt's OPERATION_INVALID: the VM is not (or is already) running (libvirt-spikes.md 7). */
export const isWrongState = (error: unknown): boolean =>
  error instanceof LibvirtError && error.is(libvirtErrors.OPERATION_INVALID);

export function unlessWrongState(error: unknown): void {
  if (!isWrongState(error)) unlessGone(error);
}

function unlessGone(error: unknown): void {
  if (!isNoDomain(error)) throw error;
}
