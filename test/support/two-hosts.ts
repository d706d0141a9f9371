import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { vi } from 'vitest';
import { startCpiServer, stopCpiServer } from '../../src/environment/cpi-server.ts';
import { cpiHosts } from '../../src/environment/hosts/open-host.ts';
import { objectNames } from '../../src/environment/network-plan.ts';
import { environmentPaths, privateHostFolder } from '../../src/environment/paths.ts';
import { type EnvironmentRecord, writeRecord } from '../../src/environment/record.ts';
import { openBackend } from '../../src/environment/session.ts';
import type { Caller } from '../../src/environment/steps/step.ts';
import { guestRoad } from '../../src/host/forward.ts';
import {
  type PrivateHost,
  privateHostUri,
  removePrivateHost,
  startPrivateHost,
} from '../../src/host/private-host/index.ts';
import { cpiServerPort } from '../../src/manifest/compose.ts';
import { silentLog } from '../../src/platform/log.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { Undo } from '../../src/platform/undo.ts';
import { BoshCpi } from './bosh-cpi.ts';
import { cpiCertificates } from './cpi-certificates.ts';
import { gateway, mbusPassword } from './cpi-host.ts';
import { recordWith } from './environment-record.ts';
import { askQuickly } from './quick-neighbours.ts';
import { type SshServer, startSshServer } from './ssh-server.ts';

/** The addresses of the two machines on the wire between them. */
export const wire = { first: '10.99.0.1', second: '10.99.0.2' };

interface Both<T> {
  readonly first: T;
  readonly second: T;
}

/** Short: a socket's path holds 107 bytes. */
const newHome = async (): Promise<string> => await mkdtemp(join(tmpdir(), 'bv-'));

/** Where boshvirt in this process has its data. */
function liveAt(home: string): void {
  vi.stubEnv('XDG_DATA_HOME', home);
  vi.stubEnv('XDG_STATE_HOME', join(home, 'state'));
}

/**
 * Two private libvirt hosts as two machines: each in its own network namespace, with a wire in between and an ssh server on the
 * second. The environment `work`, of profile director, is laid on the first; whoever is its director is left open.
 */
export class TwoHosts implements AsyncDisposable {
  readonly record: EnvironmentRecord;
  readonly second: PrivateHost & { readonly uri: string };
  readonly ssh: SshServer;
  /** The second's libvirt, as the first reaches it. */
  readonly uri: string;
  readonly #homes: Both<string>;
  readonly #hosts: Both<PrivateHost>;

  private constructor(
    homes: Both<string>,
    record: EnvironmentRecord,
    hosts: Both<PrivateHost>,
    ssh: SshServer,
  ) {
    this.#homes = homes;
    this.#hosts = hosts;
    this.record = record;
    this.second = { ...hosts.second, uri: privateHostUri(hosts.second.dir, 'qemu') };
    this.ssh = ssh;
    this.uri = `qemu+ssh://root@${ssh.address}/system?keyfile=${ssh.keyfile}&no_verify=1`;
  }

  static async start(): Promise<TwoHosts> {
    await run([join(packageRoot(), 'bin/boshvirt'), '--version'], { timeoutMs: 120_000 }); // brings the build up to date
    await using undo = new Undo(silentLog);
    const homes = { first: await newHome(), second: await newHome() };
    for (const home of [homes.first, homes.second])
      undo.defer(`delete ${home}`, async () => await rm(home, { recursive: true, force: true }));
    const start = async (driver: string) => {
      const folder = privateHostFolder();
      undo.defer(`remove ${folder}`, async () => await removePrivateHost(folder));
      return await startPrivateHost(folder, {
        ...{ driver, log: silentLog, signal: AbortSignal.timeout(90_000) },
      });
    };
    liveAt(homes.second);
    const second = await start('qemu');
    liveAt(homes.first);
    const first = await start('lxc');
    await layWire(first.netnsName, second.netnsName);
    const ssh = await startSshServer(second.pid, `${wire.second}:2222`, first.pid);
    undo.defer('end the ssh server', async () => await ssh[Symbol.asyncDispose]());
    vi.stubEnv('PATH', `${ssh.programs}${delimiter}${process.env.PATH}`);
    const hosts = new TwoHosts(homes, recordOfWork(), { first, second }, ssh);
    await hosts.#layEnvironment();
    undo.keep();
    return hosts;
  }

  async #layEnvironment(): Promise<void> {
    const { record } = this;
    await mkdir(environmentPaths(record.name).folder, { recursive: true });
    await writeRecord(record);
    await using backend = await openBackend(record, silentLog);
    const { pool, network } = record;
    const plan = {
      poolPath: pool.path,
      bridge: network.bridge,
      gateway,
      prefixLength: 24,
      domain: 'work.test',
    };
    await backend.ground.prepare(plan);
    await askQuickly(this.#hosts.first.netnsName, network.bridge);
  }

  /** What a command would be given; `lines` collects what its steps say. */
  caller(lines: string[] = []): Caller {
    return {
      log: silentLog,
      signal: AbortSignal.timeout(240_000),
      async runSteps(steps, context) {
        for (const step of steps)
          if ((await step.skip?.(context)) === undefined) await step.run(context, (line) => lines.push(line));
      },
      confirm: async () => true,
      tell: (line) => lines.push(line),
    };
  }

  /** The CPI as the environment's server starts it for a request of its director's, for the host that the cpi-config names. */
  async cpi(host?: string): Promise<BoshCpi> {
    const { backend, name, uri, pool, network } = this.record;
    const path = join(this.#homes.first, `cpi-${host ?? 'first'}.json`);
    const content = {
      ...{ backend, environment: name, storage_pool: pool.name, network: network.name },
      libvirt: { uri, network_namespace: `/run/netns/${this.#hosts.first.netnsName}` },
      agent: { mbus: `https://mbus:${mbusPassword}@0.0.0.0:6868` },
      ...(await cpiHosts(name)),
    };
    await writeFile(path, JSON.stringify(content));
    const env = { PATH: process.env.PATH ?? '' }; // with the ssh that knows the way
    const { commandPrefix: prefix } = guestRoad(this.#hosts.first.netnsPath); // as the server is
    return new BoshCpi(path, { env, prefix, properties: host === undefined ? {} : { boshvirt_host: host } });
  }

  /** Serves the environment's CPI as `up` does, to a director that is a curl with the client's certificate. */
  async serve(): Promise<{ ask(request: object): Promise<unknown> } & AsyncDisposable> {
    const { name } = this.record;
    const { boshvirt_cpi_client_tls: client } = await cpiCertificates(
      environmentPaths(name).credentials,
      gateway,
    );
    await startCpiServer(this.record, this.caller());
    const [ca, both] = ['ca.pem', 'client.pem'].map((file) => join(this.#homes.first, file)) as [
      string,
      string,
    ];
    await writeFile(ca, client.ca);
    await writeFile(both, `${client.certificate}${client.private_key}`, { mode: 0o600 });
    const curl = ['curl', '-q', '-s', '-S', '--noproxy', '*', '--cacert', ca, '--cert', both] as const;
    return {
      ask: async (request) => {
        const data = ['--data-binary', JSON.stringify(request), `https://${gateway}:${cpiServerPort}/cpi`];
        const argv = ['nsenter', `--net=${this.#hosts.first.netnsPath}`, ...curl, ...data] as const;
        const { stdout } = await run([...argv]);
        return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
      },
      [Symbol.asyncDispose]: async () => await stopCpiServer(this.record, this.caller()),
    };
  }

  /** Does something as the person at the second machine would. */
  async atSecond<T>(act: () => Promise<T>): Promise<T> {
    liveAt(this.#homes.second);
    try {
      return await act();
    } finally {
      liveAt(this.#homes.first);
    }
  }

  /** Pulls the wire out, or puts it back. */
  async setWire(state: 'up' | 'down'): Promise<void> {
    await run(['ip', '-n', this.#hosts.first.netnsName, 'link', 'set', 'wire', state]);
  }

  /** Interfaces of either machine, by name. */
  async links(machine: 'first' | 'second'): Promise<string[]> {
    const { stdout } = await run(['ip', '-n', this.#hosts[machine].netnsName, '-json', 'link', 'show']);
    return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname);
  }

  async addresses(machine: 'first' | 'second'): Promise<string> {
    return (await run(['ip', '-n', this.#hosts[machine].netnsName, '-o', '-4', 'address', 'show'])).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ssh[Symbol.asyncDispose]();
    for (const { dir } of [this.#hosts.first, this.#hosts.second]) await removePrivateHost(dir);
    vi.unstubAllEnvs();
    for (const home of [this.#homes.first, this.#homes.second])
      await rm(home, { recursive: true, force: true });
  }
}

function recordOfWork(): EnvironmentRecord {
  const { network, pool, bridge } = objectNames('work');
  return recordWith({
    profile: 'director',
    backend: 'lxc',
    uri: privateHostUri(privateHostFolder(), 'lxc'),
    host: 'private',
    network: { name: network, bridge, cidr: '10.244.78.0/24', gateway, ip: '10.244.78.10' },
    pool: { name: pool, path: join(privateHostFolder(), 'pools', pool) },
    phase: 'preparing',
  });
}

async function layWire(first: string, second: string): Promise<void> {
  const commands = [`link add wire netns ${first} type veth peer name wire netns ${second}`];
  await run(['ip', '-batch', '-'], { input: `${commands.join('\n')}\n` });
  for (const [namespace, address] of [
    [first, wire.first],
    [second, wire.second],
  ] as const)
    await run(['ip', '-n', namespace, '-batch', '-'], {
      input: `address add ${address}/30 dev wire\nlink set wire up\n`,
    });
}
