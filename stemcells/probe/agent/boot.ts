import { join } from 'node:path';
import { Accounts } from './accounts.ts';
import type { AgentWorld } from './actions.ts';
import { loadOptions } from './agent-options.ts';
import { deviceByPath, diskAtPath, diskBySerial } from './block-devices.ts';
import type { DiskLayout } from './disk-layout.ts';
import { Filesystems } from './filesystems.ts';
import type { Log } from './log.ts';
import { setUpNetworks } from './network.ts';
import { PartitionedDisks } from './partitioned-disks.ts';
import { PersistentDisks } from './persistent-disks.ts';
import type { Places } from './places.ts';
import { PreformattedDisks } from './preformatted-disks.ts';
import type { RunProgram } from './programs.ts';
import type { Settings } from './settings.ts';
import { loadSettings } from './settings-sources.ts';
import { waitFor, writeDurably } from './small-files.ts';

const diskTimeoutMs = 5_000;

/** Makes the machine what its settings say. Doing it again, after a restart of the agent or the machine, changes nothing. */
export async function boot(places: Places, run: RunProgram, log: Log): Promise<AgentWorld> {
  const options = await loadOptions(places);
  const settings = await loadSettings(options.sources, places, run, log);
  log(`settings of agent ${settings.agentId}`);
  const accounts = new Accounts(places);
  await setName(settings, places, run);
  await letIn(settings, accounts, places);
  await setUpNetworks(settings.networks, places, run, log);
  const files = new Filesystems(places, run, log);
  const partitioned = new PartitionedDisks(places, files, run, log);
  if (options.skipDiskSetup) log('/var/vcap/data is as the CPI made it');
  else await mountEphemeral(settings, partitioned, files, places, log);
  const disks = new PersistentDisks({
    places,
    find: options.literalPaths ? diskAtPath : diskBySerial(places),
    layout: options.preformattedDisks ? new PreformattedDisks(files, run, log) : partitioned,
    files,
    run,
    log,
  });
  await disks.mountAtStart();
  return { settings, places, disks, accounts, blobFolder: join(places.vcap, 'data', 'blobs'), run, log };
}

async function setName({ agentId }: Settings, { etc }: Places, run: RunProgram): Promise<void> {
  const name = agentId.replaceAll(/[^A-Za-z0-9.-]/g, '-').slice(0, 63);
  await run(['hostname', name]);
  await writeDurably(join(etc, 'hostname'), `${name}\n`, 0o644);
  await writeDurably(join(etc, 'hosts'), `127.0.0.1 localhost ${name}\n::1 localhost\n`, 0o644);
}

/** vcap as on every BOSH machine; root as well, for a look at a guest whose sudo is in doubt. */
async function letIn(
  { authorizedKeys, password }: Settings,
  accounts: Accounts,
  { home, root }: Places,
): Promise<void> {
  await accounts.authorize('vcap', join(home, 'vcap'), authorizedKeys);
  await accounts.authorize('root', root, authorizedKeys);
  if (password) await accounts.setPassword('vcap', password);
}

async function mountEphemeral(
  { ephemeralDisk: path }: Settings,
  layout: DiskLayout,
  files: Filesystems,
  places: Places,
  log: Log,
): Promise<void> {
  const folder = join(places.vcap, 'data');
  if (path === undefined) return log('no ephemeral disk: /var/vcap/data lies on the root disk');
  if ((await files.mountedAt(folder)) !== undefined) return;
  const disk = await waitFor(() => deviceByPath(path, places), diskTimeoutMs);
  if (disk === undefined) throw new Error(`the ephemeral disk ${path} is not there`);
  await files.mount(await layout.prepare(disk), folder);
}
