import type { Pool } from '../../clients/libvirt/index.ts';
import type { Revival, VmCid, VmFacts } from '../backend.ts';
import { CloudError } from '../errors.ts';
import { cloudErrorFrom } from './errors.ts';
import type { GroundParts } from './ground.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { forwardsStand, renderForwards } from './networks/forward-host.ts';
import { reviveNetwork } from './networks/ground-network.ts';
import { managedNetworks } from './networks/look-up.ts';
import { startPool } from './pools.ts';
import { vmRecords } from './vm-records.ts';

/** See Ground.revive. `vms`: those of the environment, as they are. */
export async function reviveGround(
  host: LibvirtHost,
  parts: Pick<GroundParts, 'start'>,
  vms: readonly VmFacts[],
  first: VmCid | undefined,
): Promise<Revival[]> {
  const { libvirt, config } = host;
  const [pool, network] = await Promise.all([
    libvirt.findPool(config.storagePool),
    libvirt.findNetwork(config.network),
  ]);
  if (!pool) throw gone('storage pool', config.storagePool);
  if (!network) throw gone('network', config.network);
  const report = [await reviveStorage(pool)];
  for (const each of [network, ...(await managedNetworks(libvirt, config.environment))])
    report.push(await reviveNetwork(host, each));
  report.push(...(await reviveVms(host, parts, inOrder(vms, first), first)));
  return [...report, ...(await revivePorts(host))];
}

const gone = (what: string, name: string): CloudError =>
  new CloudError('CloudError', `The environment's ${what} '${name}' is gone`, {
    hints: ['boshvirt up makes it anew'],
  });

async function reviveStorage(pool: Pool): Promise<Revival> {
  const facts = { part: 'storage', name: pool.name } as const;
  if (await pool.isActive()) return { ...facts, found: 'running', done: undefined };
  try {
    await startPool(pool);
  } catch (error) {
    throw cloudErrorFrom(error, `Starting storage pool ${pool.name}`);
  }
  return { ...facts, found: 'stopped', done: 'started' };
}

const inOrder = (vms: readonly VmFacts[], first: VmCid | undefined): VmFacts[] => [
  ...vms.filter(({ cid }) => cid === first),
  ...vms.filter(({ cid }) => cid !== first),
];

/** All that can be. Without `first` nothing else works: that it cannot is thrown when the others run; of others it is told. */
async function reviveVms(
  host: LibvirtHost,
  parts: Pick<GroundParts, 'start'>,
  vms: readonly VmFacts[],
  first: VmCid | undefined,
): Promise<Revival[]> {
  const report: Revival[] = [];
  let failure: CloudError | undefined;
  for (const vm of vms) {
    try {
      report.push(await reviveVm(host, parts, vm));
    } catch (error) {
      const why = cloudErrorFrom(error, `Starting VM ${vm.cid}`);
      if (vm.cid === first) failure = why;
      else report.push(leftAsItIs(vm, why));
    }
  }
  if (failure) throw failure;
  return report;
}

const leftAsItIs = ({ cid, state }: VmFacts, { message, hints }: CloudError): Revival => ({
  ...{ part: 'vm', name: cid, found: state, done: undefined },
  advice: [`${cid} stays ${state}: ${message}`, ...hints].join('; '),
});

async function reviveVm(
  host: LibvirtHost,
  { start }: Pick<GroundParts, 'start'>,
  { cid, state }: VmFacts,
): Promise<Revival> {
  const facts = { part: 'vm', name: cid, found: state } as const;
  switch (state) {
    case 'running':
      return { ...facts, done: undefined };
    case 'paused':
      await (await host.existingVm(cid)).resume();
      return { ...facts, done: 'resumed' };
    case 'suspended':
      await start(cid);
      return { ...facts, done: 'resumed' };
    case 'off':
      await start(cid);
      return { ...facts, done: 'started' };
  }
}

/** Forwarded ports went with the machine's power. */
async function revivePorts(host: LibvirtHost): Promise<Revival[]> {
  const { environment } = host.config;
  const own = (await vmRecords(host.libvirt)).filter((record) => record.environment === environment);
  const forwards = own.flatMap((record) => record.forwards);
  if (forwards.length === 0) return [];
  const facts = { part: 'ports', name: `${forwards.length} forwards` } as const;
  if (await forwardsStand(host, own)) return [{ ...facts, found: 'forwarded', done: undefined }];
  await renderForwards(host);
  return [{ ...facts, found: 'not forwarded', done: 'forwarded again' }];
}
