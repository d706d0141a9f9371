import { type Check, fail, ok, warn } from '../../platform/finding.ts';
import { type EnvironmentRecord, readableRecords } from '../record.ts';
import { hostRuns } from '../session.ts';
import { needsCpiServer } from './needs.ts';
import { cpiServerState } from './state.ts';

/** One look at each CPI server that a director of this user counts on. */
export async function cpiServerChecks(): Promise<Check[]> {
  return (await readableRecords()).filter((record) => needsCpiServer(record)).map(checkOf);
}

const checkOf = (record: EnvironmentRecord): Check => ({
  id: `cpi-server.${record.name}`,
  title: `CPI server of ${record.name}`,
  why: 'its director makes and deletes VMs by it',
  async look() {
    if (record.phase !== 'up') return ok(`'${record.name}' is not up`);
    if (!(await hostRuns(record)))
      return warn('down, as the private libvirt host is', `boshvirt recover ${record.name}`);
    const { state, url, detail } = await cpiServerState(record);
    if (state === 'running' && detail === undefined) return ok(`it answers at ${url}`);
    if (state === 'running') return warn(detail ?? '', `boshvirt up ${record.name}`);
    return fail(
      `${state} at ${url}${detail === undefined ? '' : `: ${detail}`}`,
      `boshvirt up ${record.name}`,
    );
  },
});
