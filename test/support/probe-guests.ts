import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AgentClient } from '../../src/engine/agent-client/index.ts';
import { generateCertificate } from '../../src/engine/template/certificates.ts';
import { generateValue } from '../../src/engine/template/generators.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { buildProbeStemcell } from '../../src/stemcell/index.ts';
import { addressOf, type CpiHost, mbusPassword, networkAt } from './cpi-host.ts';

const bootTimeoutMs = 180_000;
/** Kept over test runs, as the product keeps it. */
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'boshvirt');

/** Where guests are. */
type GuestHost = Pick<CpiHost, 'backend' | 'road'> & { readonly libvirtd: { readonly folder: string } };

/** Guests of the probe stemcell on a host, spoken to as bosh and people do: by their agents and by ssh. */
export class ProbeGuests {
  readonly #host: GuestHost;
  readonly #folder: string;
  readonly #ca: string;
  /** create_vm's last argument. */
  readonly env: Readonly<Record<string, unknown>>;
  /** The stemcell's file `image`, as create_stemcell gets it. */
  readonly imagePath: string;

  private constructor(host: GuestHost, folder: string, ca: string, env: Readonly<Record<string, unknown>>) {
    this.#host = host;
    this.#folder = folder;
    this.#ca = ca;
    this.env = env;
    this.imagePath = join(folder, 'image');
  }

  /** `addresses`: last numbers of the guests' addresses, which their certificate names. */
  static async prepare(host: GuestHost, addresses: readonly number[]): Promise<ProbeGuests> {
    const folder = join(host.libvirtd.folder, 'guests');
    await mkdir(folder, { recursive: true });
    const [cert, key] = await Promise.all([
      certificateFor(addresses),
      sshKey(folder),
      unpackStemcell(folder, host.backend === 'lxc' ? 'container' : 'vm'),
    ]);
    const env = { bosh: { mbus: { cert }, password: '*', authorized_keys: [key] } };
    return new ProbeGuests(host, folder, cert.ca, env);
  }

  /** Arguments of a create_vm. */
  request(agentId: string, stemcell: unknown, number: number, properties: object = {}): unknown[] {
    const networks = { default: networkAt(number) };
    const size = { cpus: 1, memory: 256, ephemeral_disk: 256, ...properties };
    return [agentId, stemcell, size, networks, [], this.env];
  }

  agent(number: number): AgentClient {
    const mbus = `https://mbus:${mbusPassword}@${addressOf(number)}:6868`;
    return new AgentClient({ mbus, ca: this.#ca, road: this.#host.road, log: silentLog });
  }

  /** Waits until the guest's agent answers. */
  async awake(number: number): Promise<AgentClient> {
    const agent = this.agent(number);
    await agent.ping({ timeoutMs: bootTimeoutMs });
    return agent;
  }

  /** Runs a shell command in the guest as root and gives what it says, without the last line's end. */
  async shell(number: number, command: string): Promise<string> {
    const options = [
      ['IdentitiesOnly', 'yes'],
      ['UserKnownHostsFile', '/dev/null'],
      ['StrictHostKeyChecking', 'no'],
      ['LogLevel', 'ERROR'],
    ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    const ssh = ['ssh', '-F', 'none', '-i', join(this.#folder, 'key'), ...options];
    const argv = [...this.#host.road.commandPrefix, ...ssh, `root@${addressOf(number)}`, command];
    const { stdout } = await run(argv as [string, ...string[]], { timeoutMs: 60_000 });
    return stdout.trimEnd();
  }
}

async function certificateFor(addresses: readonly number[]) {
  const size = { key_length: 2048 };
  const ca = await generateCertificate(
    'ca',
    { ...size, common_name: 'ca', is_ca: true },
    async () => undefined,
  );
  const names = addresses.map(addressOf);
  const options = { ...size, common_name: names[0] ?? '', alternative_names: names, ca: 'ca' };
  return await generateCertificate('agents', options, async () => ({ ...ca }));
}

/** Writes a new private key and gives the public one. */
async function sshKey(folder: string): Promise<string> {
  const path = join(folder, 'key');
  const pair = (await generateValue({ name: 'ssh', type: 'ssh', options: {} }, async () => undefined)) as {
    private_key: string;
    public_key: string;
  };
  await writeFile(path, pair.private_key);
  await chmod(path, 0o600);
  return pair.public_key;
}

async function unpackStemcell(folder: string, form: 'vm' | 'container'): Promise<void> {
  const { path } = await buildProbeStemcell({ form, cacheDir, log: silentLog });
  await run(['tar', '-xzf', path, '-C', folder, 'image']);
}
