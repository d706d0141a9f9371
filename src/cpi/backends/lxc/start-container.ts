import { type Domain, LibvirtError } from '../../../clients/libvirt/index.ts';
import { waitFor } from '../../../platform/retry.ts';
import { CloudError, type CloudErrorType } from '../../errors.ts';
import { startDomain, unlessWrongState } from '../../on-libvirt/domains.ts';

const attempts = 5;
/** Of an event that comes within milliseconds, or never. */
const knownTimeoutMs = 500;
/** Asks whether a process is there, and does nothing to it. */
const noSignal = 0;

/**
 * Starts a container; one that runs already is no error. libvirt is told of a container's first process by an event that it
 * now and then misses (9.0: of some fifteen starts on a busy machine one); it then takes no disk and sends no signal for as
 * long as the container runs, so that such a one is stopped at once and started anew. Failures are of the type `failure`.
 */
export async function startContainer(domain: Domain, failure: CloudErrorType): Promise<void> {
  if (await domain.isActive()) return;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await startDomain(domain, failure);
    if (await isKnownOrOff(domain)) return;
    await domain.destroy().catch(unlessWrongState);
  }
  throw new CloudError(
    failure,
    `libvirt started VM '${domain.name}' ${attempts} times and never learnt of its first process`,
    { okToRetry: failure === 'VMCreationFailed', hints: ['restart libvirtd, whose log may tell more'] },
  );
}

/** Whether libvirt knows the first process; also if that has ended by itself already. */
async function isKnownOrOff(domain: Domain): Promise<boolean> {
  const known = async () => ((await hasProcess(domain)) || !(await domain.isActive()) ? true : undefined);
  return (await waitFor(known, { timeoutMs: knownTimeoutMs, intervalMs: 10 })) ?? false;
}

/**
 * libvirt keeps the number of the first process of the time before (9.0: nothing resets it), and answers that there is no such
 * process until it learns of the new one.
 */
async function hasProcess(domain: Domain): Promise<boolean> {
  try {
    await domain.sendSignal(noSignal);
    return true;
  } catch (error) {
    if (error instanceof LibvirtError) return false;
    throw error;
  }
}
