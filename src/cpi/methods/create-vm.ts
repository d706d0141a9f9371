import { newCid } from '../../platform/ids.ts';
import { Undo } from '../../platform/undo.ts';
import { buildAgentSettings, type NetworkSpec } from '../agent/index.ts';
import type { GuestDisks, JsonValue, VmCid } from '../backend.ts';
import { stemcellNotFound } from '../errors.ts';
import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/**
 * Makes and starts a VM and does not wait for its agent (contract 1.3). A failure takes back all that was made: bosh never
 * learns the CID of a create_vm that failed.
 */
export const createVm = defineMethod({
  args: [argument.text, argument.stemcell, argument.hash, argument.networks, argument.disks, argument.hash],
  optional: 1,
  async run({ openBackend, agent, log, traits }, [agentId, stemcell, cloudProperties, networks, , env]) {
    const backend = await openBackend();
    if (!(await backend.stemcells.has(stemcell))) throw stemcellNotFound(stemcell);
    const cid = newCid('vm') as VmCid;
    const { nics, networks: planned } = await backend.networks.plan(cid, networks, cloudProperties);
    await using undo = new Undo(log);
    undo.defer(`delete the half-made VM ${cid}`, () => backend.vms.delete(cid));
    const disks = await backend.vms.create({
      cid,
      agentId,
      stemcell,
      cloudProperties,
      nics,
      networks: planned,
    });
    const settings = buildAgentSettings({
      agentId,
      vmCid: cid,
      networks: traits.preconfiguredNetworks ? preconfigured(planned) : planned,
      env: env ?? {},
      agent: { mbus: agent.mbus, blobstore: agent.blobstore, ntp: [...agent.ntp] },
      disks: { system: disks.system, ...ephemeralOf(disks) },
    });
    await backend.settings.write(cid, settings);
    await backend.vms.start(cid);
    undo.keep();
    return [cid, planned as unknown as JsonValue];
  },
});

const ephemeralOf = ({ ephemeral }: GuestDisks) =>
  ephemeral === undefined
    ? {}
    : { ephemeral: typeof ephemeral === 'string' ? { path: ephemeral } : ephemeral };

/** Without this the agent looks for interfaces that have a device, which those of containers have not (contract 2.5). */
function preconfigured(networks: Readonly<Record<string, NetworkSpec>>) {
  return Object.fromEntries(
    Object.entries(networks).map(([name, network]) => [
      name,
      network.type === 'vip' ? network : { ...network, preconfigured: true },
    ]),
  );
}
