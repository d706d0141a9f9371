import type { TakenRange } from '../cpi/backend.ts';
import { backendModule } from '../cpi/backends/registry.ts';
import { messageOf } from '../platform/errors.ts';
import { type Log, silentLog } from '../platform/log.ts';
import type { ChosenHost } from './decide.ts';
import { objectNames } from './network-plan.ts';
import { networkNamespaceOf, privateHostRuns } from './session.ts';

/**
 * The ranges of all networks that the environment's libvirt knows, whoever made them and whether they run or not, and what they lead to;
 * its own, which a lost record may have left, apart. A libvirt that does not answer has none: what comes next tells of it.
 */
export async function rangesOnLibvirt(
  name: string,
  { backend, uri, host }: ChosenHost,
  log: Log = silentLog,
): Promise<readonly TakenRange[]> {
  if (host === 'private' && !(await privateHostRuns())) return [];
  const { network, pool } = objectNames(name);
  const networkNamespace = networkNamespaceOf({ host });
  const config = { environment: name, uri, storagePool: pool, network, networkNamespace, options: {} };
  try {
    await using opened = await (await backendModule(backend)).open(config, log);
    return (await opened.ground.takenRanges()).filter((range) => range.network !== network);
  } catch (error) {
    log.info(`ranges of networks at ${uri} are not known: ${messageOf(error)}`);
    return [];
  }
}
