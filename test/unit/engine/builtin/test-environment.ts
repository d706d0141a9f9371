/** One environment: a manifest, a stemcell, bosh's files, a scripted CPI and a scripted agent over one world. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { parse, stringify } from 'yaml';
import { BuiltinEngine } from '../../../../src/engine/builtin/index.ts';
import type { CreateEnvOptions, DeploySource, EngineContext } from '../../../../src/engine/engine.ts';
import { renderManifest } from '../../../../src/engine/template/index.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { openPipe } from '../../../../src/platform/process.ts';
import { type Act, type Identity, type Message, ScriptedAgent } from '../agent-client/scripted-agent.ts';
import { emptyWorld, isLastStep, readWorld, type World, writeWorld } from './scripted-world.ts';

/** A piece of YAML or JSON that tests change in place. */
export type Tree = Record<string, unknown>;

/** The manifest of the recorded runs (fixtures/real-bosh/requests), as far as it can be told from their arguments. */
const baseManifest = `
name: tiny-env
tags: {owner: me}
releases: []
resource_pools:
- name: vms
  network: default
  cloud_properties: {cpus: 2, ephemeral_disk: 2048, hostfwd: [[16868, 6868], [16822, 22]], memory: 1024, root_disk: 3072}
  stemcell: {url: ((stemcell_url)), sha1: ((stemcell_sha1))}
  env:
    bosh:
      authorized_keys: ['ssh-ed25519 AAAA user@host']
      password: '*'
      mbus: {cert: ((mbus_bootstrap_ssl))}
      blobstores: [{provider: local, options: {blobstore_path: /var/vcap/micro_bosh/data/cache}}]
disk_pools:
- {name: disks, disk_size: 512, cloud_properties: {type: raw}}
networks:
- name: default
  type: manual
  subnets:
  - {range: 10.0.2.0/24, gateway: 10.0.2.2, dns: [10.0.2.3], cloud_properties: {name: slirp}}
instance_groups:
- name: tiny
  instances: 1
  jobs: []
  resource_pool: vms
  persistent_disk_pool: disks
  networks: [{name: default, static_ips: [10.0.2.15]}]
cloud_provider:
  cert: ((mbus_bootstrap_ssl))
  mbus: https://mbus:((mbus_bootstrap_password))@10.0.2.15:6868
  properties:
    libvirt: {uri: 'qemu:///system'}
    boshvirt: {environment: tiny}
    agent: {mbus: 'https://mbus:((mbus_bootstrap_password))@0.0.0.0:6868'}
variables:
- {name: mbus_bootstrap_password, type: password}
- {name: default_ca, type: certificate, options: {is_ca: true, common_name: ca}}
- {name: mbus_bootstrap_ssl, type: certificate, options: {ca: default_ca, common_name: 10.0.2.15, alternative_names: [10.0.2.15]}}
`;

/** stemcell.MF's cloud properties in the recorded run. */
const stemcellProperties = {
  architecture: 'x86_64',
  auto_disk_config: true,
  container_format: 'bare',
  disk: 1280,
  disk_format: 'qcow2',
  hypervisor: 'kvm',
  infrastructure: 'openstack',
  name: 'bosh-openstack-kvm-debian-bookworm',
  os_distro: 'debian',
  os_type: 'linux',
  version: '0.1',
};

/** The keys of one vars-store serve all environments of a test file: making them takes a second. */
let credentials: Promise<string> | undefined;

async function generateCredentials(): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-credentials-'));
  const path = (name: string) => join(folder.path, name);
  await writeFile(path('manifest.yml'), baseManifest);
  await renderManifest({
    manifestPath: path('manifest.yml'),
    opsFiles: [],
    vars: { stemcell_url: 'none', stemcell_sha1: 'none' },
    varsFiles: [],
    varsStorePath: path('creds.yml'),
  });
  return await readFile(path('creds.yml'), 'utf8');
}

interface StemcellOptions {
  readonly version?: string;
  readonly image?: string;
  readonly facts?: Tree;
}

export class TestEnvironment implements AsyncDisposable {
  readonly folder: string;
  readonly agent: ScriptedAgent;
  readonly #remove: () => Promise<void>;
  readonly #opsFiles: string[] = [];
  /** What the person who waits was told. */
  readonly progress: string[] = [];
  readonly interrupt = new AbortController();
  stemcell = { path: '', sha1: '' };

  private constructor(folder: string, agent: ScriptedAgent, remove: () => Promise<void>) {
    this.folder = folder;
    this.agent = agent;
    this.#remove = remove;
  }

  static async make(): Promise<TestEnvironment> {
    const folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-builtin-'));
    const path = (name: string) => join(folder.path, name);
    await writeFile(path('manifest.yml'), baseManifest);
    credentials ??= generateCredentials();
    const text = await credentials;
    await writeFile(path('creds.yml'), text, { mode: 0o600 });
    writeWorld(path('world.json'), emptyWorld());
    const store = parse(text) as { mbus_bootstrap_ssl: Identity; mbus_bootstrap_password: string };
    const act = actOn(path('world.json'));
    const agent = await ScriptedAgent.start(store.mbus_bootstrap_ssl, act, store.mbus_bootstrap_password);
    const environment = new TestEnvironment(folder.path, agent, async () => await folder.remove());
    await environment.useStemcell({});
    return environment;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.#remove();
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  get world(): World {
    return readWorld(this.path('world.json'));
  }

  changeWorld(change: Partial<World>): void {
    writeWorld(this.path('world.json'), { ...this.world, ...change });
  }

  async state(): Promise<Tree> {
    return JSON.parse(await readFile(this.path('state.json'), 'utf8')) as Tree;
  }

  /** Changes the manifest by an operation, as a person would with -o. */
  async replace(path: string, value: unknown): Promise<void> {
    const name = this.path(`ops-${this.#opsFiles.length}.yml`);
    await writeFile(name, stringify([{ type: 'replace', path, value }]));
    this.#opsFiles.push(name);
  }

  /** Writes a stemcell tarball and makes it the manifest's. */
  async useStemcell({ version = '0.1', image = 'the image', facts = {} }: StemcellOptions): Promise<void> {
    const path = this.path(`stemcell-${version}.tgz`);
    const manifest = {
      name: 'bosh-openstack-kvm-debian-bookworm',
      version,
      api_version: 3,
      sha1: createHash('sha1').update(image).digest('hex'),
      cloud_properties: stemcellProperties,
      ...facts,
    };
    const tar = pack();
    tar.entry({ name: 'stemcell.MF' }, stringify(manifest));
    tar.entry({ name: 'packages.txt' }, 'none');
    tar.entry({ name: 'image' }, image);
    tar.finalize();
    await pipeline(tar, createGzip(), createWriteStream(path));
    const sha1 = createHash('sha1')
      .update(await readFile(path))
      .digest('hex');
    this.stemcell = { path, sha1 };
  }

  get source(): DeploySource {
    return {
      manifestPath: this.path('manifest.yml'),
      opsFiles: this.#opsFiles,
      vars: { stemcell_url: `file://${this.stemcell.path}`, stemcell_sha1: this.stemcell.sha1 },
      varsFiles: [],
      statePath: this.path('state.json'),
      varsStorePath: this.path('creds.yml'),
    };
  }

  get context(): EngineContext {
    return {
      log: silentLog,
      signal: this.interrupt.signal,
      workDir: this.path('work'),
      logPath: this.path('create-env.log'),
      boshvirtCommand: this.cpiCommand,
      road: this.agent.road,
      onProgress: (line) => this.progress.push(line),
    };
  }

  get cpiCommand(): string[] {
    return [process.execPath, join(import.meta.dirname, 'scripted-cpi.ts'), this.path('world.json')];
  }

  /** Runs create-env in this process; gives what it asked and what it answered. */
  async createEnv(options?: CreateEnvOptions) {
    return await this.#watch(
      async () => await new BuiltinEngine().createEnv(this.source, this.context, options),
    );
  }

  async deleteEnv() {
    return await this.#watch(async () => await new BuiltinEngine().deleteEnv(this.source, this.context));
  }

  /** Runs create-env or delete-env in a process of its own, which is killed after a step. Gives whether it was. */
  async runAndKill(command: 'create-env' | 'delete-env', step: string, count = 1): Promise<boolean> {
    this.changeWorld({ killAfter: { step, count } });
    const { source, cpiCommand } = this;
    const plan = {
      command,
      source,
      cpiCommand,
      workDir: this.path('work'),
      logPath: this.path('create-env.log'),
    };
    await writeFile(this.path('plan.json'), JSON.stringify({ ...plan, port: this.agent.port }));
    const child = openPipe([
      process.execPath,
      join(import.meta.dirname, 'run-engine.ts'),
      this.path('plan.json'),
    ]);
    runningEngine = child.pid;
    child.stdout.resume();
    let said = '';
    child.stderr.on('data', (piece) => {
      said += piece;
    });
    const signal = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (_code, signal) => resolve(signal));
    });
    if (signal === null && said !== '') throw new Error(said);
    return signal === 'SIGKILL';
  }

  /** Keeps world and state as they are; the function that it gives brings them back. */
  async snapshot(): Promise<() => Promise<void>> {
    const names = ['world.json', 'state.json'].map((name) => this.path(name));
    const texts = await Promise.all(names.map((name) => readFile(name, 'utf8')));
    return async () => {
      await Promise.all(names.map((name, at) => writeFile(name, texts[at] ?? '')));
    };
  }

  /** What `up` does before it runs create-env again: a VM that the state does not know would hold the address. */
  async removeStrays(): Promise<void> {
    const { current_vm_cid: known } = await this.state();
    const { vms } = this.world;
    this.changeWorld({ vms: Object.fromEntries(Object.entries(vms).filter(([cid]) => cid === known)) });
  }

  async #watch<T>(act: () => Promise<T>) {
    const before = this.world;
    const result = await act();
    const { requests, messages, steps } = this.world;
    return {
      result,
      requests: requests.slice(before.requests.length),
      messages: messages.slice(before.messages.length),
      steps: steps.slice(before.steps.length),
    };
  }
}

/** The engine that the agent kills: there is one at a time in a test file. */
let runningEngine: number | undefined;

/** A guest's agent: strict about what is attached, told of and mounted. */
function actOn(worldPath: string): Act {
  return (message) => {
    const world = readWorld(worldPath);
    world.messages.push({ method: message.method, arguments: message.arguments });
    try {
      return answerTo(world, message);
    } finally {
      const kills = isLastStep(world, `agent ${message.method}`);
      writeWorld(worldPath, world);
      if (kills && runningEngine !== undefined) process.kill(runningEngine, 'SIGKILL');
    }
  };
}

function answerTo(world: World, { method, arguments: args }: Message): unknown {
  const scripted = world.agentErrors[method];
  if (scripted !== undefined) throw new Error(scripted);
  const [vm] = Object.values(world.vms);
  if (!vm) throw new Error('there is no VM: who is asked?');
  const cid = String(args[0]);
  switch (method) {
    case 'ping':
      return 'pong';
    case 'start':
      world.jobState = 'running';
      return 'started';
    case 'stop':
      world.jobState = 'stopped';
      return 'stopped';
    case 'drain':
      return 0;
    case 'get_state':
      return { job_state: world.jobState, networks: {} };
    case 'list_disk':
      return world.mounted;
    case 'add_persistent_disk':
      if (!vm.disks.includes(cid)) throw new Error(`${cid} is not attached`);
      world.hinted.push(cid);
      return 'added';
    case 'mount_disk':
      if (!world.hinted.includes(cid)) throw new Error(`nobody told of ${cid}`);
      world.mounted.push(cid);
      return {};
    case 'unmount_disk':
      if (!world.mounted.includes(cid)) throw new Error(`${cid} is not mounted`);
      world.mounted = world.mounted.filter((other) => other !== cid);
      return {};
    case 'migrate_disk': {
      const [from = '', to = ''] = world.mounted;
      const [source, target] = [world.disks[from], world.disks[to]];
      if (!source || !target) throw new Error('two disks are needed');
      target.content = source.content;
      world.mounted = [to];
      return {};
    }
    case 'apply':
    case 'run_script':
    case 'remove_persistent_disk':
      return 'done';
    default:
      throw new Error(`unknown message ${method}`);
  }
}
