/**
 * The CPI release, the qemu CPI and the bosh-cli engine under the real `bosh`, on a private libvirt host, with the agent of
 * the probe stemcell or a real one. What came of it is asked of the guest over ssh and of libvirt, not of bosh.
 */
import { randomBytes } from 'node:crypto';
import { access, chmod, mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Backend } from '../../src/cpi/backend.ts';
import { backendModule } from '../../src/cpi/backends/registry.ts';
import { BoshCliEngine } from '../../src/engine/bosh-cli/index.ts';
import { BuiltinEngine } from '../../src/engine/builtin/index.ts';
import type { DeploySource, EngineContext } from '../../src/engine/engine.ts';
import { guestRoad } from '../../src/host/forward.ts';
import { privateHostNames } from '../../src/host/private-host/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { buildProbeStemcell } from '../../src/stemcell/index.ts';
import { startLibvirtd, type TestLibvirtd } from '../support/libvirtd.ts';
import { tinyRelease, writeTinyRelease } from '../support/tiny-release.ts';

const boshPath = process.env.BOSHVIRT_TEST_BOSH;
/** A real bosh-agent: it goes into the stemcell, and the machine gets a release, which our own agent would refuse. */
const agentPath = process.env.BOSHVIRT_TEST_AGENT;

const ip = '10.244.77.6';
const gateway = '10.244.77.1';
const network = `t-${randomBytes(3).toString('hex')}`;

let libvirtd: TestLibvirtd;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let command: string;
let stemcell: { path: string; sha1: string };

describe.skipIf(boshPath === undefined)(
  'create-env (needs BOSHVIRT_TEST_BOSH, the path of a real bosh)',
  () => {
    beforeAll(async () => {
      folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt bosh '));
      libvirtd = await startLibvirtd();
      command = await writeLauncher(join(folder.path, "boshvirt's own"));
      stemcell = await makeStemcell();
      await layGround();
    }, 300_000);

    afterAll(async () => {
      await libvirtd?.[Symbol.asyncDispose]();
      await folder?.[Symbol.asyncDispose]();
    }, 60_000);

    test('makes a machine, leaves it alone, grows its disk, reboots it, re-creates it dead or alive, and deletes it', async () => {
      const machine = await newMachine('life');
      if (agentPath !== undefined) await machine.addRelease();
      const first = await machine.createEnv();
      expect(first).toEqual({ changed: true });
      expect(machine.progress).toContainEqual(expect.stringMatching(/^Creating VM for instance/));
      const created = await machine.state();
      expect(await domains()).toEqual([created.current_vm_cid]);
      await machine.ssh('echo kept | sudo tee /var/vcap/store/note');
      await expectStarts(machine, 1);

      expect(await machine.createEnv()).toEqual({ changed: false });
      expect((await machine.state()).current_vm_cid).toBe(created.current_vm_cid);

      machine.vars.persistent_disk_mb = 384;
      expect(await machine.createEnv()).toEqual({ changed: true });
      const grown = await machine.state();
      expect(grown.disks.map(({ size }) => size)).toEqual([384]);
      expect(grown.disks[0]?.cid).not.toBe(created.disks[0]?.cid);
      expect(await machine.ssh('sudo cat /var/vcap/store/note')).toBe('kept\n');
      expect(
        Number(await machine.ssh('df -m /var/vcap/store | tail -n 1 | tr -s " " | cut -d " " -f 2')),
      ).toBeGreaterThan(300);
      await withBackend(async (backend) => {
        expect((await backend.ground.inventory()).disks).toEqual([grown.disks[0]?.cid]);
      });
      await expectStarts(machine, 2);

      await machine.reboot();
      expect(await machine.ssh('hostname')).not.toBe('(none)\n');
      await expectStarts(machine, 2);

      expect(await machine.createEnv({ recreate: true })).toEqual({ changed: true });
      const again = await machine.state();
      expect(again.current_vm_cid).not.toBe(grown.current_vm_cid);
      expect(await machine.ssh('sudo cat /var/vcap/store/note')).toBe('kept\n');
      await expectStarts(machine, 3);

      await machine.ssh('sync'); // the machine goes as in a power cut
      await run(['virsh', '-c', libvirtd.uri, 'suspend', again.current_vm_cid]);
      expect(await machine.createEnv({ recreate: true })).toEqual({ changed: true });
      expect(await domains()).toEqual([(await machine.state()).current_vm_cid]);
      expect(await machine.ssh('sudo cat /var/vcap/store/note')).toBe('kept\n');
      await expectStarts(machine, 4);

      await machine.deleteEnv();
      await expectNothingLeft(machine);
      await machine.deleteEnv();
    }, 1_800_000);

    test.each([
      'Uploading stemcell',
      'Creating VM',
      'Waiting for the agent',
      'Creating disk',
      'Attaching disk',
    ])(
      'interrupted at %s, goes on from there and leaves nothing over',
      async (step) => {
        const machine = await newMachine(step);
        await expect(machine.interruptedAt(step)).rejects.toThrow(`interrupted at ${step}`);
        const { current_vm_cid: vm } = await machine.state();
        expect(await domains()).toEqual([vm].filter(Boolean));
        if (step === 'Attaching disk') {
          expect(await machine.createEnv()).toEqual({ changed: true });
          expect(await domains()).toEqual([(await machine.state()).current_vm_cid]);
        }
        await machine.deleteEnv();
        await expectNothingLeft(machine);
      },
      300_000,
    );

    test.each([
      { first: 'builtin', second: 'bosh-cli' },
      { first: 'bosh-cli', second: 'builtin' },
    ] as const)(
      'what $first made, $second knows and deletes',
      async ({ first, second }) => {
        const machine = await newMachine(`from ${first}`);
        const [maker, heir] = [engines[first](), engines[second]()];
        expect(await maker.createEnv(machine.source, machine.context)).toEqual({ changed: true });
        const { current_vm_cid: vm } = await machine.state();
        await machine.ssh('echo kept | sudo tee /var/vcap/store/note');
        expect(await heir.createEnv(machine.source, machine.context, { recreate: true })).toEqual({
          changed: true,
        });
        expect(await domains()).toEqual([(await machine.state()).current_vm_cid]);
        expect(await domains()).not.toEqual([vm]);
        expect(await machine.ssh('sudo cat /var/vcap/store/note')).toBe('kept\n');
        await heir.deleteEnv(machine.source, machine.context);
        await expectNothingLeft(machine);
      },
      900_000,
    );
  },
);

/** A boshvirt that runs from the sources, under a name that a shell would take apart. */
async function writeLauncher(path: string): Promise<string> {
  const main = join(packageRoot(), 'src', 'main.ts');
  await writeFile(
    path,
    `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${main}' "$@"\n`,
  );
  await chmod(path, 0o755);
  return path;
}

async function makeStemcell(): Promise<{ path: string; sha1: string }> {
  const agent = agentPath === undefined ? {} : { agentPath };
  return await buildProbeStemcell({ cacheDir: join(folder.path, 'cache'), log: silentLog, ...agent });
}

async function withBackend<T>(use: (backend: Backend) => Promise<T>): Promise<T> {
  const module = await backendModule('qemu');
  const config = { environment: 'test', uri: libvirtd.uri, storagePool: network, network, options: {} };
  await using backend = await module.open(config, silentLog);
  return await use(backend);
}

async function layGround(): Promise<void> {
  const poolPath = join(libvirtd.folder, 'pool');
  const plan = { poolPath, bridge: network, gateway, prefixLength: 24, domain: 'boshvirt.test' };
  await withBackend((backend) => backend.ground.prepare(plan));
}

/** What libvirt has, by virsh. */
async function domains(): Promise<string[]> {
  const { stdout } = await run(['virsh', '-c', libvirtd.uri, 'list', '--all', '--name']);
  return stdout.split('\n').filter(Boolean);
}

const engines = {
  'bosh-cli': () => new BoshCliEngine({ boshPath: boshPath ?? 'bosh' }),
  builtin: () => new BuiltinEngine(),
};

interface BoshState {
  readonly current_vm_cid: string;
  readonly disks: readonly { readonly cid: string; readonly size: number }[];
}

type Machine = Awaited<ReturnType<typeof newMachine>>;

async function newMachine(name: string) {
  const home = join(folder.path, name);
  await mkdir(home, { mode: 0o700 });
  const vars: Record<string, string | number> = {
    environment_name: 'test',
    boshvirt_command: command,
    libvirt_uri: libvirtd.uri,
    libvirt_network_namespace: '',
    libvirt_network: network,
    libvirt_storage_pool: network,
    internal_cidr: '10.244.77.0/24',
    internal_gw: gateway,
    internal_ip: ip,
    vm_cpus: 2,
    vm_memory_mb: agentPath === undefined ? 384 : 640,
    vm_ephemeral_disk_mb: 512,
    persistent_disk_mb: 256,
    stemcell_url: `file://${stemcell.path}`,
    stemcell_sha1: stemcell.sha1,
  };
  const opsFiles = [join(packageRoot(), 'ops-files/qemu.yml')];
  const source: DeploySource = {
    manifestPath: join(packageRoot(), 'manifests/machine.yml'),
    opsFiles,
    vars,
    varsFiles: [],
    statePath: join(home, 'state.json'),
    varsStorePath: join(home, 'creds.yml'),
  };
  const progress: string[] = [];
  const context: EngineContext = {
    log: silentLog,
    signal: new AbortController().signal,
    workDir: join(home, 'work'),
    logPath: join(home, 'log'),
    boshvirtCommand: [command],
    road: guestRoad(privateHostNames(libvirtd.folder).netnsPath),
    onProgress: (line) => progress.push(line),
  };
  const engine = engines['bosh-cli']();
  return {
    vars,
    progress,
    source,
    context,
    createEnv: async (options = {}) => await engine.createEnv(source, context, options),
    /** Create-env that somebody interrupts when bosh begins a step. */
    async interruptedAt(step: string) {
      const interrupt = new AbortController();
      const onProgress = (line: string) => {
        if (line.startsWith(step)) interrupt.abort(new Error(`interrupted at ${step}`));
      };
      return await engine.createEnv(source, { ...context, signal: interrupt.signal, onProgress });
    },
    deleteEnv: async () => await engine.deleteEnv(source, context),
    state: async (): Promise<BoshState> => JSON.parse(await readFile(source.statePath, 'utf8')),
    /** Has the manifest ask for the tiny release, from now on. */
    async addRelease() {
      const [path, ops] = [join(home, 'tiny.tgz'), join(home, 'tiny.yml')];
      await writeTinyRelease(path);
      const release = { name: tinyRelease.name, url: `file://${path}` };
      const properties = { tiny: { greeting: 'from the manifest' } };
      const job = { name: tinyRelease.job, release: tinyRelease.name, properties };
      await writeFile(
        ops,
        stringify([
          { type: 'replace', path: '/releases/-', value: release },
          { type: 'replace', path: '/instance_groups/name=machine/jobs/-', value: job },
        ]),
      );
      opsFiles.push(ops);
    },
    /** Has the guest reboot, and waits until its agent has mounted the persistent disk, on which the test has left a note. */
    async reboot(): Promise<void> {
      const bootId = 'cat /proc/sys/kernel/random/boot_id';
      const before = await this.ssh(bootId);
      await this.ssh('sudo reboot').catch(() => undefined);
      const after = async () => {
        const now = await this.ssh(`sudo test -e /var/vcap/store/note && ${bootId}`).catch(() => before);
        return now === before ? undefined : now;
      };
      expect(await waitFor(after, { timeoutMs: 300_000, intervalMs: 1000 })).toBeDefined();
    },
    async ssh(line: string): Promise<string> {
      const key = join(home, 'key');
      const { machine_ssh: pair } = parse(await readFile(source.varsStorePath, 'utf8'));
      await writeFile(key, pair.private_key, { mode: 0o600 });
      const options = [
        'StrictHostKeyChecking=no',
        'UserKnownHostsFile=/dev/null',
        'LogLevel=ERROR',
        'ConnectTimeout=30',
      ];
      const words = options.flatMap((option) => ['-o', option]);
      const [program = 'ssh', ...rest] = [
        ...context.road.commandPrefix,
        'ssh',
        ...words,
        '-i',
        key,
        `vcap@${ip}`,
        line,
      ];
      return (await run([program, ...rest], { timeoutMs: 60_000 })).stdout;
    },
  };
}

/** With a real agent: the release's program ran `times` times, once at each deploy, and monit holds its process. */
async function expectStarts(machine: Machine, times: number): Promise<void> {
  if (agentPath === undefined) return;
  expect(await machine.ssh('sudo cat /var/vcap/store/greetings')).toBe(
    'compiled: from the manifest\n'.repeat(times),
  );
  const summary = async () => {
    const said = await machine.ssh('sudo monit summary').catch(() => '');
    return /tiny +OK +Process/.test(said) || undefined;
  };
  expect(await waitFor(summary, { timeoutMs: 120_000, intervalMs: 1000 })).toBe(true);
  // what the agent tells whoever asks for `bosh ssh`
  expect(await machine.ssh('cat /etc/ssh/ssh_host_rsa_key.pub')).toMatch(/^ssh-rsa /);
  expect(await machine.ssh('cat /proc/$(sudo cat /var/vcap/sys/run/tiny/tiny.pid)/comm')).toBe('sleep\n');
}

/** The host as before: no domain, no disk, no stemcell, no state; and no secret in the log. */
async function expectNothingLeft(machine: Machine): Promise<void> {
  expect(await domains()).toEqual([]);
  await withBackend(async (backend) => {
    expect(await backend.ground.inventory()).toMatchObject({ vms: [], disks: [], stemcells: [] });
  });
  await expect(access(machine.source.statePath)).rejects.toThrow('ENOENT');
  const { mbus_bootstrap_password: password } = parse(await readFile(machine.source.varsStorePath, 'utf8'));
  expect(await readFile(machine.context.logPath, 'utf8')).not.toContain(password);
}
