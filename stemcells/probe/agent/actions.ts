import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Accounts } from './accounts.ts';
import type { Log } from './log.ts';
import type { PersistentDisks } from './persistent-disks.ts';
import type { Places } from './places.ts';
import type { RunProgram } from './programs.ts';
import type { Settings } from './settings.ts';
import { readText, writeDurably } from './small-files.ts';

/** What actions work with. */
export interface AgentWorld {
  readonly settings: Settings;
  readonly places: Places;
  readonly disks: PersistentDisks;
  readonly accounts: Accounts;
  readonly blobFolder: string;
  readonly run: RunProgram;
  readonly log: Log;
}

export interface Action {
  /** true: answered with a task id, whose value is asked for with get_task (contract 5.3). */
  readonly async: boolean;
  act(world: AgentWorld, args: readonly unknown[]): Promise<unknown>;
}

const later = (act: Action['act']): Action => ({ async: true, act });
const atOnce = (act: Action['act']): Action => ({ async: false, act });

/** What the agent can be asked to do, by the name on the wire. get_task and cancel_task belong to the server. */
export const actions: Readonly<Record<string, Action>> = {
  ping: atOnce(async () => 'pong'),
  info: atOnce(async () => ({ api_version: 1 })),
  get_state: atOnce(getState),
  list_disk: atOnce(({ disks }) => disks.mounted()),
  start: atOnce(async (world) => {
    await keepJobState(world, 'running');
    return 'started';
  }),
  ssh: atOnce(ssh),
  sync_dns: atOnce(async () => 'synced'),
  remove_file: atOnce(async (_, [path]) => {
    await rm(text(path, 'path'), { force: true });
    return {};
  }),
  prepare: later(async () => 'prepared'),
  apply: later(apply),
  stop: later(async (world) => {
    await keepJobState(world, 'stopped');
    return 'stopped';
  }),
  drain: later(async () => 0),
  run_script: later(async () => ({})),
  add_persistent_disk: later(async ({ disks }, [cid, hint]) => {
    await disks.add(text(cid, 'disk CID'), hint);
    return 'updated persistent disk settings';
  }),
  remove_persistent_disk: later(async ({ disks }, [cid]) => {
    await disks.remove(text(cid, 'disk CID'));
    return 'updated persistent disk settings';
  }),
  mount_disk: later(async ({ disks, settings }, [cid]) => {
    const wanted = text(cid, 'disk CID');
    await disks.mount(wanted, settings.persistentDisks.get(wanted));
    return {};
  }),
  unmount_disk: later(async ({ disks }, [cid]) => ({ message: await disks.unmount(text(cid, 'disk CID')) })),
  migrate_disk: later(async ({ disks }) => {
    await disks.migrate();
    return {};
  }),
  update_settings: later(async ({ places }, [settings]) => {
    await writeDurably(
      join(places.vcap, 'bosh', 'update_settings.json'),
      JSON.stringify(settings ?? {}),
      0o600,
    );
    return 'updated';
  }),
  fetch_logs: later(fetchLogs),
  compile_package: later(async () => {
    throw new Error(
      'the probe stemcell compiles no packages: it has no compiler; use a BOSH stemcell for releases',
    );
  }),
};

const specFile = (places: Places): string => join(places.vcap, 'bosh', 'spec.json');

type Spec = Record<string, unknown>;

async function readSpec(places: Places): Promise<Spec> {
  const kept = await readText(specFile(places));
  return kept ? (JSON.parse(kept) as Spec) : {};
}

async function getState({ settings, places }: AgentWorld): Promise<unknown> {
  const { job_state: jobState, ...spec } = await readSpec(places);
  return {
    networks: settings.rawNetworks,
    ...spec,
    agent_id: settings.agentId,
    vm: settings.vm,
    job_state: jobState ?? 'running',
    bosh_protocol: '1',
  };
}

/** Keeps the spec of a machine without jobs; with jobs in it there would be something to run, and nothing here runs it. */
async function apply({ places }: AgentWorld, [given]: readonly unknown[]): Promise<unknown> {
  if (typeof given !== 'object' || given === null) throw new Error('apply needs a spec');
  const spec = given as Spec;
  const job = spec.job as { templates?: readonly { name?: string }[] } | undefined | null;
  const names = (job?.templates ?? []).map(({ name }) => name);
  if (names.length > 0) {
    throw new Error(
      `the probe stemcell runs no jobs (asked for ${names.join(', ')}); use a BOSH stemcell for releases`,
    );
  }
  const before = await readSpec(places);
  await writeDurably(
    specFile(places),
    JSON.stringify({ ...spec, job_state: before.job_state ?? 'running' }),
    0o600,
  );
  return 'applied';
}

async function keepJobState({ places }: AgentWorld, state: string): Promise<void> {
  await writeDurably(
    specFile(places),
    JSON.stringify({ ...(await readSpec(places)), job_state: state }),
    0o600,
  );
}

/** `bosh ssh`: a user with a key for a while (the real agent's answer, field for field). */
async function ssh(
  { accounts, settings, run, log }: AgentWorld,
  [command, given]: readonly unknown[],
): Promise<unknown> {
  const params = (given ?? {}) as { user?: unknown; public_key?: unknown; user_regex?: unknown };
  const ip = settings.networks.find((network) => network.ip)?.ip ?? '';
  if (command === 'setup') {
    const user = text(params.user, 'user');
    await accounts.addGuest(user, text(params.public_key, 'public_key'));
    log(`ssh: ${user} may log in`);
    return { command, status: 'success', ip, host_public_key: await hostKey(run) };
  }
  if (command === 'cleanup') {
    const gone = await accounts.removeGuests(new RegExp(text(params.user_regex, 'user_regex')));
    log(`ssh: took away ${gone.join(', ') || 'nobody'}`);
    return { command, status: 'success', ip };
  }
  throw new Error(`Unknown command for SSH method: ${String(command)}`);
}

/** The ssh server's public key, made now if nobody has logged in yet. */
async function hostKey(run: RunProgram): Promise<string> {
  const file = '/etc/dropbear/dropbear_ed25519_host_key';
  const known = await readFile(file).then(
    () => true,
    () => false,
  );
  const output = await run(['dropbearkey', ...(known ? ['-y'] : ['-t', 'ed25519']), '-f', file]);
  return output.split('\n').find((line) => line.startsWith('ssh-')) ?? '';
}

/** Packs the agent's log as a blob. */
async function fetchLogs({ places, blobFolder, run }: AgentWorld): Promise<unknown> {
  const id = randomUUID();
  await mkdir(blobFolder, { recursive: true });
  await run(['tar', '-C', join(places.vcap, 'bosh', 'log'), '-czf', join(blobFolder, id), '.']);
  return { blobstore_id: id };
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '')
    throw new Error(`${what} must be a string, not ${JSON.stringify(value ?? null)}`);
  return value;
}
