import type { VmCid, VmFacts } from '../cpi/backend.ts';
import { UserError } from '../platform/errors.ts';
import { takeLock } from '../platform/lock.ts';
import { environmentPaths } from './paths.ts';
import { requireRecord } from './record.ts';
import { currentVm, hostIsDown, hostRuns } from './session.ts';
import { type Site, sitesOf } from './sites.ts';
import type { Caller, Step } from './steps/step.ts';

/** A VM of an environment, and what it is on. */
interface SiteVm {
  readonly site: Site;
  readonly vm: VmFacts;
}

export interface Suspended {
  readonly name: string;
  /** CIDs of the VMs that were put to sleep now. */
  readonly vms: readonly VmCid[];
}

/**
 * Puts all VMs of the environment to sleep, their memory on the disk, the director first: it must not miss the others. Interrupted
 * or killed, some sleep and some run; `suspend` goes on from there, and `resume` brings all back. Throws UNSUPPORTED, with nothing
 * done, where a VM runs on a backend that cannot.
 */
export async function suspend(name: string, caller: Caller): Promise<Suspended> {
  const record = await requireRecord(name);
  await using _lock = await takeLock(environmentPaths(name).lock, 0, `boshvirt suspend ${name}`);
  if (!(await hostRuns(record))) throw hostIsDown(record);
  const found = await vmsAt(await sitesOf(record, caller.signal), caller);
  const awake = found.filter(({ vm }) => vm.state === 'running' || vm.state === 'paused');
  for (const each of awake) await refuseUnable(each, caller);
  const machine = await currentVm(name);
  const inOrder = [...awake].sort((a, b) => Number(b.vm.cid === machine) - Number(a.vm.cid === machine));
  await caller.runSteps(
    inOrder.map((each) => suspendStep(each, caller)),
    {},
  );
  return { name, vms: inOrder.map(({ vm }) => vm.cid) };
}

async function vmsAt(sites: readonly Site[], { log }: Caller): Promise<SiteVm[]> {
  const found: SiteVm[] = [];
  for (const site of sites) {
    await using backend = await site.module.open(site.config, log);
    found.push(...(await backend.ground.inventory()).vms.map((vm) => ({ site, vm })));
  }
  return found;
}

async function refuseUnable({ site, vm }: SiteVm, { log }: Caller): Promise<void> {
  await using backend = await site.module.open(site.config, log);
  if (backend.suspension) return;
  const { name } = site.module;
  throw new UserError('UNSUPPORTED', `The backend ${name} cannot keep a VM's memory: ${vm.cid} runs on it`, {
    hints: [
      'let it run: it takes only what its processes take',
      `after a reboot of this machine all comes up again with: boshvirt recover ${vm.environment}`,
      'an environment on --backend qemu can be suspended',
    ],
  });
}

const suspendStep = ({ site, vm }: SiteVm, { log }: Caller): Step<object> => ({
  title: `Put ${vm.cid} to sleep`,
  async run(_, say) {
    say(`up to ${vm.memoryMb} MiB of memory go to the disk`);
    await using backend = await site.module.open(site.config, log);
    await backend.suspension?.suspend(vm.cid);
  },
});
