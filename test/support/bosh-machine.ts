import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { DeploySource, Engine, EngineContext } from '../../src/engine/engine.ts';
import { guestRoad } from '../../src/host/forward.ts';
import { privateHostNames } from '../../src/host/private-host/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshHost } from './bosh-host.ts';
import { tinyRelease, writeTinyRelease } from './tiny-release.ts';

const bootTimeoutMs = 300_000;
/** On the persistent disk. */
const notePath = '/var/vcap/store/note';

/** bosh's own state file. */
export interface BoshState {
  readonly current_vm_cid: string;
  readonly disks: readonly { readonly cid: string; readonly size: number }[];
}

/** A machine as create-env makes it, with a manifest and a state of its own. */
export class BoshMachine {
  readonly host: BoshHost;
  readonly home: string;
  readonly vars: Record<string, string | number>;
  readonly source: DeploySource;
  readonly context: EngineContext;
  /** What the engine has said of its steps. */
  readonly progress: string[] = [];
  readonly #engine: Engine;
  readonly #opsFiles: string[];

  private constructor(host: BoshHost, home: string, engine: Engine, memoryMb: number) {
    this.host = host;
    this.home = home;
    this.#engine = engine;
    this.#opsFiles = [join(packageRoot(), `ops-files/${host.backend}.yml`)];
    this.vars = {
      environment_name: 'test',
      boshvirt_command: host.command,
      libvirt_uri: host.libvirtd.uri,
      libvirt_network_namespace: '',
      libvirt_network: host.network,
      libvirt_storage_pool: host.network,
      internal_cidr: '10.244.77.0/24',
      internal_gw: host.gateway,
      internal_ip: host.ip,
      vm_cpus: 2,
      vm_memory_mb: memoryMb,
      vm_ephemeral_disk_mb: 512,
      persistent_disk_mb: 256,
      stemcell_url: `file://${host.stemcell.path}`,
      stemcell_sha1: host.stemcell.sha1,
    };
    this.source = {
      manifestPath: join(packageRoot(), 'manifests/machine.yml'),
      opsFiles: this.#opsFiles,
      vars: this.vars,
      varsFiles: [],
      statePath: join(home, 'state.json'),
      varsStorePath: join(home, 'creds.yml'),
    };
    this.context = {
      log: silentLog,
      signal: new AbortController().signal,
      workDir: join(home, 'work'),
      logPath: join(home, 'log'),
      boshvirtCommand: [host.command],
      road: guestRoad(privateHostNames(host.libvirtd.folder).netnsPath),
      onProgress: (line) => this.progress.push(line),
    };
  }

  static async prepare(host: BoshHost, name: string, engine: Engine, memoryMb: number): Promise<BoshMachine> {
    const home = join(host.folder, name);
    await mkdir(home, { mode: 0o700 });
    return new BoshMachine(host, home, engine, memoryMb);
  }

  async createEnv(options = {}) {
    return await this.#engine.createEnv(this.source, this.context, options);
  }

  /** Create-env that somebody interrupts when bosh begins a step. */
  async interruptedAt(step: string) {
    const interrupt = new AbortController();
    const onProgress = (line: string) => {
      if (line.startsWith(step)) interrupt.abort(new Error(`interrupted at ${step}`));
    };
    const context = { ...this.context, signal: interrupt.signal, onProgress };
    return await this.#engine.createEnv(this.source, context, {});
  }

  async deleteEnv(): Promise<void> {
    await this.#engine.deleteEnv(this.source, this.context);
  }

  async state(): Promise<BoshState> {
    return JSON.parse(await readFile(this.source.statePath, 'utf8'));
  }

  async vm(): Promise<string> {
    return (await this.state()).current_vm_cid;
  }

  /** Has the manifest ask for the tiny release, from now on. */
  async addRelease(): Promise<void> {
    const [path, ops] = [join(this.home, 'tiny.tgz'), join(this.home, 'tiny.yml')];
    await writeTinyRelease(path);
    const release = { name: tinyRelease.name, url: `file://${path}` };
    const properties = { tiny: { greeting: 'from the manifest' } };
    const job = { name: tinyRelease.job, release: tinyRelease.name, properties };
    const operations = [
      { type: 'replace', path: '/releases/-', value: release },
      { type: 'replace', path: '/instance_groups/name=machine/jobs/-', value: job },
    ];
    await writeFile(ops, stringify(operations));
    this.#opsFiles.push(ops);
  }

  /** Leaves a note on the persistent disk. */
  async writeNote(): Promise<void> {
    await this.ssh(`echo kept | sudo tee ${notePath}`);
  }

  async note(): Promise<string> {
    return (await this.ssh(`sudo cat ${notePath}`)).trim();
  }

  /** What tells one start of the guest from another: a container's kernel is the host's, a VM's init starts at the same moment. */
  async start(): Promise<string> {
    return await this.ssh("cat /proc/sys/kernel/random/boot_id; cut -d ' ' -f 22 /proc/1/stat");
  }

  /** Does what has the guest start anew, and waits until its agent has mounted the disk with the note. false if it never does. */
  async startsAnewBy(act: () => Promise<void>): Promise<boolean> {
    const before = await this.start();
    await act();
    const isBack = async () => {
      await this.ssh(`sudo test -e ${notePath}`);
      return (await this.start()) !== before;
    };
    const back = async () => (await isBack().catch(() => false)) || undefined;
    return (await waitFor(back, { timeoutMs: bootTimeoutMs, intervalMs: 1000 })) ?? false;
  }

  /** Waits until libvirt says that the VM is off. */
  async off(): Promise<boolean> {
    const vm = await this.vm();
    const gone = async () => !(await this.host.domains([])).includes(vm) || undefined;
    return (await waitFor(gone, { timeoutMs: bootTimeoutMs, intervalMs: 200 })) ?? false;
  }

  /** Runs a shell command in the guest as vcap and gives what it says. */
  async ssh(line: string): Promise<string> {
    const key = join(this.home, 'key');
    const { machine_ssh: pair } = parse(await readFile(this.source.varsStorePath, 'utf8'));
    await writeFile(key, pair.private_key, { mode: 0o600 });
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'LogLevel=ERROR',
      'ConnectTimeout=30',
    ].flatMap((option) => ['-o', option]);
    const { commandPrefix } = this.context.road;
    const words = [...commandPrefix, 'ssh', ...options, '-i', key, `vcap@${this.host.ip}`, line];
    return (await run(words as [string, ...string[]], { timeoutMs: 60_000 })).stdout;
  }
}
