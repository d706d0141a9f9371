/**
 * The CPI inside a director, without a director: from inside a container that plays its VM, the job's rendered script replays
 * the director's flows (contract 1.3) against the CPI that this machine serves. What came of it is asked of libvirt by virsh,
 * and of the VMs by their agents.
 */
import { mkdir, mkdtempDisposable, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { AgentClient } from '../../src/engine/agent-client/index.ts';
import { generateCertificate } from '../../src/engine/template/certificates.ts';
import { cpiServerState, startCpiServer, stopCpiServer } from '../../src/environment/cpi-server.ts';
import { doctor } from '../../src/environment/doctor.ts';
import { environmentPaths } from '../../src/environment/paths.ts';
import { type EnvironmentRecord, requireRecord, writeRecord } from '../../src/environment/record.ts';
import { currentVm, networkNamespaceOf, roadTo } from '../../src/environment/session.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { buildProbeStemcell } from '../../src/stemcell/index.ts';
import { type CpiVariables, cpiCertificates } from '../support/cpi-certificates.ts';
import { DirectorVm, temporary } from '../support/director-vm.ts';
import { newPerson, type Person } from '../support/person.ts';

let person: Person;
let record: EnvironmentRecord;
let variables: CpiVariables;
let director: DirectorVm;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let mbusCertificate: Awaited<ReturnType<typeof generateCertificate>>;
let stemcell: string;
const caller = { log: silentLog, signal: AbortSignal.timeout(900_000) };

beforeAll(async () => {
  person = await newPerson('lxc');
  folder = await mkdtempDisposable(join(tmpdir(), 'bv-d-'));
  const cacheDir = join(homedir(), '.cache', 'boshvirt');
  const { path } = await buildProbeStemcell({ form: 'container', cacheDir, log: silentLog });
  await run(['tar', '-xzf', path, '-C', folder.path, 'image']);
  const words = ['--profile', 'machine', '--backend', 'lxc', '--engine', 'builtin', '--stemcell', path];
  const { exitCode, stderr } = await person.run(['up', ...words, '--memory', '256MiB', '--yes']);
  if (exitCode !== 0) throw new Error(stderr);
  for (const home of ['DATA', 'STATE', 'CACHE', 'CONFIG']) vi.stubEnv(`XDG_${home}_HOME`, undefined);
  vi.stubEnv('HOME', person.home);
  record = await requireRecord('default');
  variables = await cpiCertificates(environmentPaths('default').credentials, record.network.gateway);
  mbusCertificate = await certificateOfAgents();
  director = await DirectorVm.open(folder.path);
  await director.installJob(properties());
});

afterAll(async () => {
  if (record) await stopCpiServer(record);
  await director?.[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  await person?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** What ops-files/director.yml gives the job; agents listen instead of calling, so that they can be asked from here. */
const properties = (serve: object = {}) => ({
  boshvirt: {
    serve: {
      url: `https://${record.network.gateway}:6870`,
      ca: variables.boshvirt_cpi_ca.certificate,
      client: variables.boshvirt_cpi_client_tls,
      ...serve,
    },
  },
  agent: { mbus: 'https://mbus:of-tests@0.0.0.0:6868' },
});

const addressOf = (number: number): string => record.network.gateway.replace(/\d+$/, String(number));

async function certificateOfAgents() {
  const size = { key_length: 2048 };
  const ca = await generateCertificate(
    'ca',
    { ...size, common_name: 'ca', is_ca: true },
    async () => undefined,
  );
  const names = [31, 32, 33, 34].map(addressOf);
  const options = { ...size, common_name: 'agents', alternative_names: names, ca: 'ca' };
  return await generateCertificate('agents', options, async () => ({ ...ca }));
}

/** The arguments of a create_vm as a director sends them (real-bosh/README.md, contract 1.5, 1.6). */
const vmArguments = (number: number, disks: readonly string[] = []) => [
  `00000000-0000-4000-8000-0000000000${number}`,
  stemcell,
  { cpu: 1, memory: 160, ephemeral_disk: 64 },
  {
    default: {
      ...{ type: 'manual', ip: addressOf(number), prefix: '24', netmask: '255.255.255.0' },
      ...{ gateway: record.network.gateway, dns: [record.network.gateway], default: ['dns', 'gateway'] },
      cloud_properties: {},
    },
  },
  disks,
  { bosh: { mbus: { cert: mbusCertificate }, password: '*', group: 'lab-dep-job', groups: ['lab', 'dep'] } },
];

/** Each step with info before it, as the director takes them. */
const step = async (method: string, ...args: readonly unknown[]) => {
  await director.call('info');
  return await director.call(method, ...args);
};

async function newVm(number: number, disks: readonly string[] = []): Promise<string> {
  const [cid, networks] = (await step('create_vm', ...vmArguments(number, disks))) as [string, object];
  expect(networks).toMatchObject({ default: { ip: addressOf(number), prefix: '24' } });
  const metadata = { director: 'lab', deployment: 'dep', name: `job/${number}`, index: '0' };
  expect(await step('set_vm_metadata', cid, metadata)).toBeNull();
  return cid;
}

async function agentAt(number: number): Promise<AgentClient> {
  const mbus = `https://mbus:of-tests@${addressOf(number)}:6868`;
  const agent = new AgentClient({
    ...{ mbus, ca: mbusCertificate.ca, road: await roadTo(record), log: silentLog },
  });
  await agent.ping({ timeoutMs: 120_000 });
  return agent;
}

/** All VMs of the libvirt but the machine that plays the director's. */
async function vms(): Promise<string[]> {
  const machine = await currentVm('default');
  return (await person.domains()).filter((name) => name !== machine).sort();
}

const xmlOf = async (vm: string) => await person.virsh('dumpxml', vm);

async function volumes(prefix: string): Promise<string[]> {
  await person.virsh('pool-refresh', record.pool.name);
  const names = (await person.virsh('vol-list', record.pool.name))
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0]);
  return names.filter((name) => name?.startsWith(prefix) && name.endsWith('.img')) as string[];
}

async function auditLines(): Promise<Record<string, unknown>[]> {
  const path = join(environmentPaths('default').logs, 'cpi-server.log');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  return (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const imagesKept = async () =>
  await readdir(join(environmentPaths('default').folder, 'cpi-server', 'work', 'images'));

describe('the server', () => {
  test('is started once, by whoever comes first, and listens on the environment’s own address alone', async () => {
    expect(await cpiServerState(record)).toMatchObject({ state: 'down' });
    const down = await director.failure('info', []);
    expect([down.type, down.message]).toEqual(['CloudError', expect.stringContaining('does not answer')]);
    const [first, second] = await Promise.all([
      startCpiServer(record, caller),
      startCpiServer(record, caller),
    ]);
    expect(first).toMatchObject({ state: 'running', url: `https://${record.network.gateway}:6870` });
    expect(second.pid).toBe(first.pid);
    expect((await startCpiServer(record, caller)).pid).toBe(first.pid);
    const listening = ['ss', '-H', '-t', '-l', '-n', 'sport = :6870'] as const;
    const inside = ['nsenter', `--net=${networkNamespaceOf(record)}`, ...listening] as const;
    expect((await run(inside)).stdout.trim().split(/\s+/)[3]).toBe(`${record.network.gateway}:6870`);
    expect((await run(listening)).stdout).toBe('');
  });

  test('answers a director, whose task gets the call’s log', async () => {
    director.log = '';
    expect(await director.call('info')).toEqual({ stemcell_formats: ['warden-tar'], api_version: 3 });
    expect(director.log).toMatch(/info info: done in \d+ ms\n$/);
  });

  test('shows itself in status and doctor of an environment with a director', async () => {
    await writeRecord({ ...record, profile: 'director' });
    try {
      const { stdout } = await person.run(['status', '--json']);
      expect(JSON.parse(stdout).cpiServer).toMatchObject({ state: 'running' });
      const finding = (await doctor(undefined)).find(({ id }) => id === 'cpi-server.default');
      expect(finding).toMatchObject({
        status: 'ok',
        detail: expect.stringContaining(record.network.gateway),
      });
    } finally {
      await writeRecord(record);
    }
  });
});

describe('the director’s flows', () => {
  test('upload a stemcell: its image comes once, and goes when it is imported', async () => {
    const image = Buffer.concat([await readFile(join(folder.path, 'image')), gzipSync('')]); // not the machine's own
    await director.shell(`cat >${temporary}/image`, image);
    const properties = { name: 'probe', version: '1', stemcell_formats: ['warden-tar'] };
    const upload = async () =>
      await director.call('create_stemcell', `${temporary}/image`, properties, { tags: {} });
    const [one, two] = await Promise.all([upload(), upload()]);
    expect(two).toBe(one);
    stemcell = String(one);
    expect(await volumes('sc-')).toContain(`${stemcell}.img`);
    expect(await imagesKept()).toEqual([]);
    expect(await director.shell(`ls ${temporary}`)).toBe('image\n');
    await rm(join(folder.path, 'image'));
  });

  test('compile: VMs are made in parallel and deleted again', async () => {
    const made = await Promise.all([41, 42, 43].map((number) => newVm(number)));
    expect(await vms()).toEqual([...made].sort());
    for (const vm of made) expect(await person.virsh('domstate', vm)).toContain('running');
    await Promise.all(made.map((vm) => step('delete_vm', vm)));
    expect(await vms()).toEqual([]);
  });

  let vm: string;
  let disk: string;

  test('new instance: its agent has what the job’s properties say, and mounts its disk', async () => {
    vm = await newVm(31);
    const agent = await agentAt(31);
    disk = String(await step('create_disk', 64, {}, vm));
    await agent.addPersistentDisk(disk, await step('attach_disk', vm, disk));
    await step('set_disk_metadata', disk, { deployment: 'dep', instance_id: 'i' });
    await agent.mountDisk(disk);
    expect(await agent.listDisk()).toEqual([disk]);
    expect(await xmlOf(vm)).toContain(disk);
    expect(await step('get_disks', vm)).toEqual([disk]);
    await agent.unmountDisk(disk);
    await agent.removePersistentDisk(disk);
  });

  test('recreate with an agent that lives: detach, delete, create, attach', async () => {
    await step('detach_disk', vm, disk);
    expect(await xmlOf(vm)).not.toContain(disk);
    await step('delete_vm', vm);
    vm = await newVm(31, [disk]);
    await step('attach_disk', vm, disk);
    expect(await vms()).toEqual([vm]);
    expect(await xmlOf(vm)).toContain(disk);
  });

  test('recreate with a dead agent: the VM goes with its disk attached, and the disk stays', async () => {
    await person.virsh('destroy', vm);
    await step('delete_vm', vm);
    expect(await volumes(disk)).toEqual([`${disk}.img`]);
    vm = await newVm(31, [disk]);
    await step('attach_disk', vm, disk);
    expect(await xmlOf(vm)).toContain(disk);
  });

  test('create-swap-delete: the disk goes from the running old VM to the running new one', async () => {
    const old = vm;
    vm = await newVm(32);
    await step('detach_disk', old, disk);
    await step('attach_disk', vm, disk);
    expect([(await xmlOf(old)).includes(disk), (await xmlOf(vm)).includes(disk)]).toEqual([false, true]);
    await step('delete_vm', old);
    expect(await vms()).toEqual([vm]);
  });

  test('a larger disk, and a snapshot of it', async () => {
    await step('detach_disk', vm, disk);
    await step('resize_disk', disk, 96);
    expect(await person.virsh('vol-info', '--bytes', `${disk}.img`, record.pool.name)).toMatch(
      new RegExp(`Capacity: +${96 * 1024 ** 2} bytes`),
    );
    await step('attach_disk', vm, disk);
    const snapshot = String(await step('snapshot_disk', disk, { deployment: 'dep', index: 0 }));
    expect(await volumes('snap-')).toEqual([`${snapshot}.img`]);
    await step('delete_snapshot', snapshot);
    expect(await volumes('snap-')).toEqual([]);
  });

  test('cloud check: what is there and what is not, a reboot, errors by their names', async () => {
    expect([await step('has_vm', vm), await step('has_vm', 'vm-0123456789abcdef0')]).toEqual([true, false]);
    expect([await step('has_disk', disk), await step('has_disk', 'disk-0123456789abcde')]).toEqual([
      true,
      false,
    ]);
    const id = async () => (await person.virsh('domid', vm)).trim();
    const before = await id();
    await step('reboot_vm', vm);
    expect(await id()).not.toBe(before);
    expect((await director.failure('reboot_vm', ['vm-0123456789abcdef0'])).type).toBe('VMNotFound');
    expect((await director.failure('attach_disk', [vm, 'disk-0123456789abcde'])).type).toBe('DiskNotFound');
    expect((await director.failure('resize_disk', [disk, 1])).type).toBe('NotSupported');
    expect((await director.failure('ping', [])).type).toBe('NotImplemented');
  });

  test('delete: all is gone but what was there before', async () => {
    await step('detach_disk', vm, disk);
    await step('delete_vm', vm);
    await step('delete_disk', disk);
    expect(await vms()).toEqual([]);
    expect(await volumes(disk)).toEqual([]);
  });

  test('the log of the server tells all of that in a line each, and no secret', async () => {
    const lines = await auditLines();
    const made = lines.filter(({ method, outcome }) => method === 'create_vm' && outcome === 'ok');
    expect(made.map(({ first }) => String(first).slice(-2))).toEqual(
      expect.arrayContaining(['41', '42', '43', '31', '32']),
    );
    for (const line of made)
      expect(line).toMatchObject({
        director: expect.stringMatching(/^[0-9a-f-]{36}$/),
        request: expect.stringMatching(/^cpi-\d+$/),
      });
    const text = JSON.stringify(lines);
    for (const secret of ['of-tests', 'PRIVATE KEY']) expect(text).not.toContain(secret);
  });
});

/** Holds the process of the one call that runs, once it has its request, and gives its id. */
async function holdCall(): Promise<number> {
  const isCall = async (pid: string) => {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    return words.some((word) => word.startsWith(join(person.home, '/')) && word.includes('/call-'));
  };
  const find = async () => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(pids.map(isCall));
    return pids.find((_, at) => found[at]);
  };
  const pid = Number(await waitFor(find, { timeoutMs: 60_000, intervalMs: 5 }));
  process.kill(pid, 'SIGSTOP');
  expect(await cpiServerState(record)).toMatchObject({ state: 'running' }); // it answers again: the request is given on
  return pid;
}

describe('when things go wrong', () => {
  test('another CA’s director is told about certificates', async () => {
    const stranger = await cpiCertificates(join(folder.path, 'stranger.yml'), record.network.gateway);
    await director.installJob(properties({ client: stranger.boshvirt_cpi_client_tls }), 'stranger_cpi');
    const { message } = await director.failure('info', [], 'stranger_cpi');
    expect(message).toContain('does not accept this VM');
  });

  test('a server that is killed loses no call: the VM is made, and the next server knows it', async () => {
    const { pid } = await cpiServerState(record);
    const call = director.failure('create_vm', vmArguments(33));
    const worker = await holdCall();
    process.kill(Number(pid), 'SIGKILL');
    expect((await call).message).toMatch(/broke/);
    expect(await cpiServerState(record)).toMatchObject({ state: 'down' });
    process.kill(worker, 'SIGCONT');
    expect(await startCpiServer(record, caller)).toMatchObject({ state: 'running' });
    await agentAt(33); // the call went on to its end
    const [orphan = ''] = await vms();
    expect(await director.call('has_vm', orphan)).toBe(true);
    await director.call('delete_vm', orphan);
    expect(await vms()).toEqual([]);
  });

  test('a server that is stopped finishes what it is at', async () => {
    const call = director.call('create_vm', ...vmArguments(34));
    const worker = await holdCall();
    const stopping = stopCpiServer(record);
    const isClosed = async () => ((await cpiServerState(record)).state === 'silent' ? true : undefined);
    expect(await waitFor(isClosed, { timeoutMs: 60_000, intervalMs: 20 })).toBe(true);
    process.kill(worker, 'SIGCONT');
    await stopping;
    const [vm] = (await call) as [string];
    expect(await cpiServerState(record)).toMatchObject({ state: 'down', pid: undefined });
    await stopCpiServer(record);
    expect((await startCpiServer(record, caller)).state).toBe('running');
    await director.call('delete_vm', vm);
  });

  test('new certificates: the server is replaced, and the director speaks to it with its new ones', async () => {
    const before = await cpiServerState(record);
    const { credentials } = environmentPaths('default');
    const store = Object.entries(parse(await readFile(credentials, 'utf8')) as object);
    const kept = store.filter(([name]) => !name.startsWith('boshvirt_cpi_'));
    await writeFile(credentials, stringify(Object.fromEntries(kept)));
    await expect(startCpiServer(record, caller)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
    variables = await cpiCertificates(credentials, record.network.gateway);
    const after = await startCpiServer(record, caller);
    expect(after.state).toBe('running');
    expect(after.pid).not.toBe(before.pid);
    expect((await director.failure('info', [])).message).toContain('certificates');
    await director.installJob(properties());
    expect(await director.call('info')).toMatchObject({ api_version: 3 });
  });

  test('a reboot: the server of the private host that is gone is replaced by one in the new one', async () => {
    const { pid } = await cpiServerState(record);
    await director[Symbol.asyncDispose]();
    process.kill(await person.holder(), 'SIGKILL');
    expect((await person.run(['up'])).exitCode).toBe(0);
    expect(await cpiServerState(record)).toMatchObject({ state: 'outdated', pid });
    expect(await startCpiServer(record, caller)).toMatchObject({ state: 'running' });
    await mkdir(join(folder.path, 'again'));
    director = await DirectorVm.open(join(folder.path, 'again'));
    expect(await director.call('info')).toMatchObject({ api_version: 3 });
  });

  test('delete-stemcell: nothing of the director’s is left, nor in its folder', async () => {
    await director.call('delete_stemcell', stemcell);
    expect(await volumes(stemcell)).toEqual([]);
    expect(await imagesKept()).toEqual([]);
    expect(await director.shell(`ls ${temporary}`)).toBe('image\n');
  });
});
