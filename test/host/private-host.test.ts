/** The private host for real: libvirtd and QEMU (emulated, no guest system) in namespaces; virsh and /proc are the witnesses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectLibvirt } from '../../src/clients/libvirt/index.ts';
import {
  findPrivateHost,
  insideNetns,
  type PrivateHost,
  privateHostNames,
  privateHostUri,
  removePrivateHost,
  startPrivateHost,
  stopPrivateHost,
} from '../../src/host/private-host/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { guestCgroups, ownNetwork, processesIn, tracesOf } from '../support/traces.ts';

const program = join(import.meta.dirname, '../support/private-host-program.ts');
const timeoutMs = 60_000;
const mapUsers = ['unshare', '--user', '--map-root-user'] as [string, ...string[]];
const mayMapUsers = (await run([...mapUsers, 'true'], { okExitCodes: [1] })).exitCode === 0;
let base: string;
/** The host's folder; it is not there yet. */
let dir: string;

async function makeFolder(): Promise<void> {
  base = await mkdtemp(join(tmpdir(), 'bv-')); // short: a socket's path holds 107 bytes
  dir = join(base, 'h');
}

async function clearFolder(): Promise<void> {
  await removePrivateHost(dir);
  await rm(base, { recursive: true });
}

const start = (folder = dir) =>
  startPrivateHost(folder, { driver: 'qemu', log: silentLog, signal: AbortSignal.timeout(90_000) });
const uriOf = (host: PrivateHost) => privateHostUri(host.dir, 'qemu');
const virshOf =
  (host: PrivateHost) =>
  async (...args: string[]) =>
    (await run(['virsh', '-q', '-c', uriOf(host), ...args])).stdout.trim();
const inside = async ({ netnsPath }: PrivateHost, ...argv: string[]) =>
  (await run(insideNetns(netnsPath, argv) as [string, ...string[]])).stdout;
const until = async (what: string, probe: () => Promise<unknown>) => {
  const seen = await waitFor(async () => ((await probe()) ? true : undefined), { timeoutMs, intervalMs: 5 });
  if (!seen) throw new Error(`waited in vain: ${what}`);
};
const isNoFile = (trace: string) => !trace.startsWith('file ');
const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Runs the program in a process of its own, after `prefix` if given, and reads what it prints. */
const elsewhere = async (verb: 'start' | 'stop' | 'remove', prefix: readonly string[] = []) => {
  const [file = '', ...args] = [...prefix, process.execPath, program, verb, dir];
  const { stdout } = await run([file, ...args], { timeoutMs });
  return JSON.parse(stdout) as { host?: PrivateHost; error?: Record<string, unknown> };
};

/** Starts the program, kills it once `moment` has come, and waits for its end. */
async function killAt(
  verb: 'start' | 'remove',
  moment: string,
  hasCome: () => Promise<unknown>,
): Promise<void> {
  const child = spawn(process.execPath, [program, verb, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  await until(moment, hasCome);
  child.kill('SIGKILL');
  await ended;
}

/** argv that runs `script` in mounts of its own, and then the command that follows. */
const withMounts = (script: string): string[] => [
  'unshare',
  '--mount',
  'sh',
  '-ec',
  `${script}\nexec "$@"`,
  'sh',
];

const natXml = `<network><name>nat</name><forward mode='nat'/><bridge name='virbr7' stp='off' delay='0'/>
  <ip address='192.168.231.1' prefix='24'><dhcp><range start='192.168.231.10' end='192.168.231.20'/></dhcp></ip></network>`;
const guestXml = `<domain type='qemu'><name>guest</name><memory unit='MiB'>48</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='network'/></os><features><acpi/></features>
  <cpu mode='custom' match='exact'><model>qemu64</model></cpu>
  <devices><memballoon model='none'/><video><model type='none'/></video>
  <interface type='network'><source network='nat'/><mac address='52:54:00:01:02:03'/><model type='virtio'/></interface>
  </devices></domain>`;

/** A network with NAT and a guest on it, both of which come up with the host. */
async function furnish(host: PrivateHost): Promise<void> {
  const virsh = virshOf(host);
  await using libvirt = await connectLibvirt(uriOf(host));
  await libvirt.defineNetwork(natXml);
  await virsh('net-autostart', 'nat');
  await virsh('net-start', 'nat');
  await virsh('pool-define-as', 'pool', 'dir', '--target', join(host.dir, 'pool'));
  await virsh('pool-build', 'pool');
  await virsh('pool-autostart', 'pool');
  await virsh('pool-start', 'pool');
  await virsh('vol-create-as', 'pool', 'disk.raw', '1M');
  await libvirt.defineDomain(guestXml);
  await virsh('autostart', 'guest');
  await virsh('start', 'guest');
}

const qemuOf = async (folder = dir) =>
  (await processesIn(folder)).find(({ name }) => name.startsWith('qemu-system'))?.pid;
const libvirtdOf = async (folder = dir) =>
  (await processesIn(folder)).find(({ name }) => name === 'libvirtd')?.pid as number;

describe('a host with a guest', () => {
  beforeAll(makeFolder);
  afterAll(clearFolder);

  /** The host with its guest, as an earlier test left it or anew. */
  async function furnished(): Promise<PrivateHost> {
    const host = await start();
    if ((await virshOf(host)('list', '--all', '--name')) === '') await furnish(host);
    return host;
  }

  test('it has a network of its own, in which guests get addresses; the machine’s network and cgroups stay as they were', async () => {
    const before = { network: await ownNetwork(), cgroups: await guestCgroups() };
    const host = await furnished();
    expect((await run(['ip', 'netns', 'list'])).stdout).toContain(host.netnsName);
    const nat = await inside(host, 'iptables', '-t', 'nat', '-S');
    expect(nat).toMatch(/-s 192\.168\.231\.0\/24 .*-j MASQUERADE/);
    expect(await inside(host, 'ip', '-o', 'link', 'show', 'master', 'virbr7')).toContain('vnet');
    // the network card's own program asks dnsmasq for an address
    const virsh = virshOf(host);
    await until('a lease', async () => (await virsh('net-dhcp-leases', 'nat')).includes('52:54:00:01:02:03'));
    expect({ network: await ownNetwork(), cgroups: await guestCgroups() }).toEqual(before);
    await removePrivateHost(dir);
    expect({ network: await ownNetwork(), cgroups: await guestCgroups() }).toEqual(before);
  });

  test('a second start finds it and leaves the guest alone', async () => {
    const host = await furnished();
    const [daemon, qemu] = [await libvirtdOf(), await qemuOf()];
    expect(await start()).toEqual(host);
    expect(await findPrivateHost(dir)).toEqual(host);
    expect([await libvirtdOf(), await qemuOf()]).toEqual([daemon, qemu]);
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'libvirtd ended by %s is started again and finds the guest',
    async (signal) => {
      const host = await furnished();
      const [daemon, qemu] = [await libvirtdOf(), await qemuOf()];
      process.kill(daemon, signal);
      await until('another libvirtd', async () => ![undefined, daemon].includes(await libvirtdOf()));
      expect(await start()).toEqual(host);
      expect(await virshOf(host)('domstate', 'guest')).toBe('running');
      expect(await virshOf(host)('net-list', '--name')).toBe('nat');
      expect(await qemuOf()).toBe(qemu);
    },
  );

  test('a libvirtd that hangs is replaced by a start, the guest goes on', async () => {
    const host = await furnished();
    const [daemon, qemu] = [await libvirtdOf(), await qemuOf()];
    process.kill(daemon, 'SIGSTOP');
    expect(await start()).toEqual(host);
    expect(await libvirtdOf()).not.toBe(daemon);
    expect(await virshOf(host)('domstate', 'guest')).toBe('running');
    expect(await qemuOf()).toBe(qemu);
  });

  test('a network namespace whose name was deleted gets it back', async () => {
    const host = await furnished();
    const qemu = await qemuOf();
    await run(['ip', 'netns', 'delete', host.netnsName]);
    expect(await findPrivateHost(dir)).toBeUndefined();
    expect(await start()).toEqual(host);
    expect(await inside(host, 'ip', '-o', 'link', 'show')).toContain('virbr7');
    expect(await qemuOf()).toBe(qemu);
  });

  test('a guest that dies leaves no zombie', async () => {
    const virsh = virshOf(await furnished());
    const qemu = (await qemuOf()) as number;
    process.kill(qemu, 'SIGKILL');
    await until('its end', async () => !(await isThere(`/proc/${qemu}`)));
    await until('its end in libvirt', async () => (await virsh('domstate', 'guest')) === 'shut off');
    await virsh('start', 'guest');
  });

  test('with the first process everything ends; the next start brings up what has autostart', async () => {
    const host = await furnished();
    process.kill(host.pid, 'SIGKILL');
    await until('the end of all processes', async () => (await processesIn(dir)).length === 0);
    expect(await findPrivateHost(dir)).toBeUndefined();
    const again = await start();
    expect(again.pid).not.toBe(host.pid);
    const virsh = virshOf(again);
    expect(await virsh('net-list', '--name')).toBe('nat');
    expect(await virsh('vol-list', 'pool')).toContain('disk.raw');
    await until('the guest', async () => (await virsh('domstate', 'guest')) === 'running');
  });

  test('stopped, it keeps definitions and disks, and no process is left', async () => {
    const host = await furnished();
    await run(['ip', 'netns', 'delete', host.netnsName]); // guests are told to end all the same
    await stopPrivateHost(dir, { guestTimeoutMs: 100 });
    const log = await readFile(join(dir, 'root/var/log/libvirt/qemu/guest.log'), 'utf8');
    expect(log.trimEnd().split('\n').at(-1)).toMatch(/reason=(destroyed|shutdown)/);
    expect(await findPrivateHost(dir)).toBeUndefined();
    expect((await tracesOf(dir)).filter(isNoFile)).toEqual([]);
    await stopPrivateHost(dir);
    const virsh = virshOf(await start());
    expect(await virsh('vol-list', 'pool')).toContain('disk.raw');
    expect(await virsh('dominfo', 'guest')).toMatch(/Autostart: +enable/);
  });

  test('removed, it leaves nothing; removing it again is no error', async () => {
    await furnished();
    await removePrivateHost(dir);
    expect(await tracesOf(dir)).toEqual([]);
    await removePrivateHost(dir);
    expect(await tracesOf(dir)).toEqual([]);
  });
});

describe('starts and ends that meet or are cut short', () => {
  beforeEach(makeFolder);
  afterEach(clearFolder);

  test('two starts at once give one host', async () => {
    const [one, two] = await Promise.all([elsewhere('start'), elsewhere('start')]);
    expect(one.host).toEqual(await findPrivateHost(dir));
    expect(two).toEqual(one);
    expect((await processesIn(dir)).filter(({ name }) => name === 'libvirtd')).toHaveLength(1);
  });

  test('two hosts in two folders have the same names and addresses and do not meet', async () => {
    const other = join(base, 'other');
    const [one, two] = await Promise.all([start(), start(other)]);
    try {
      await Promise.all([furnish(one), furnish(two)]);
      await virshOf(one)('destroy', 'guest');
      expect(await virshOf(two)('domstate', 'guest')).toBe('running');
      await removePrivateHost(dir);
      expect(await virshOf(two)('domstate', 'guest')).toBe('running');
      // the other's mounts must not keep the network namespace of the removed one alive
      expect(await readFile(`/proc/${two.pid}/mountinfo`, 'utf8')).not.toContain(one.netnsName);
    } finally {
      await removePrivateHost(other);
    }
  });

  test.each([
    ['it holds the lock', () => readFile(`${dir}.lock`, 'utf8').then(Boolean, () => false)],
    ['the configuration is written', () => isThere(join(dir, 'root/etc/libvirt/qemu.conf'))],
    ['the network namespace is there', () => isThere(privateHostNames(dir).netnsPath)],
    ['the first process runs', () => isThere(join(dir, 'holder'))],
    ['libvirtd runs', async () => (await libvirtdOf()) !== undefined],
    ['libvirtd listens', () => isThere(join(dir, 'root/run/libvirt/libvirt-sock'))],
  ])('a start that is killed when %s is made good by the next', async (moment, hasCome) => {
    await killAt('start', moment, hasCome);
    const host = await start();
    expect(await virshOf(host)('list', '--all')).toBe('');
    const daemons = (await processesIn(dir)).filter(({ name }) => name === 'libvirtd');
    const networks = daemons.map(({ pid }) => readlink(`/proc/${pid}/ns/net`));
    expect(await Promise.all(networks)).toEqual([await readlink(`/proc/${host.pid}/ns/net`)]);
    await removePrivateHost(dir);
    expect(await tracesOf(dir)).toEqual([]);
  });

  test('a removal that was killed is finished by the next', async () => {
    await start();
    const pools = join(dir, 'pools');
    const wasFull = 3_000;
    await mkdir(pools);
    await Promise.all(Array.from({ length: wasFull }, (_, at) => writeFile(join(pools, `${at}`), '')));
    await killAt('remove', 'files go', async () => {
      const names = await readdir(pools).catch(() => []);
      return names.length < wasFull;
    });
    await removePrivateHost(dir);
    expect(await tracesOf(dir)).toEqual([]);
  });

  test('a container’s host in a folder of the same name is left alone', async () => {
    const root = join(base, 'root');
    await mkdir(root);
    // a root of its own with the machine's programs; the process waits for its stdin to end
    const script = `mount -t tmpfs none ${root}
      for path in usr etc proc dev; do mkdir ${root}/$path; mount --rbind /$path ${root}/$path; done
      for path in /bin /lib*; do [ ! -L $path ] || cp -P $path ${root}; done
      echo 'echo ready; read -r _' >${root}/private-host-init
      exec chroot ${root} sh /private-host-init ${dir}`;
    const [file = '', ...args] = withMounts(script);
    const container = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const said = text(container.stdout);
    try {
      await until('the container', async () =>
        (await readFile(`/proc/${container.pid}/cmdline`, 'utf8')).startsWith('sh\0/private-host-init'),
      );
      await start();
      await removePrivateHost(dir);
      expect(container.exitCode ?? container.signalCode).toBeNull();
    } finally {
      container.stdin.end('\n');
    }
    expect(await said).toBe('ready\n');
  });

  test('the folder of something else is neither removed nor used', async () => {
    await mkdir(dir);
    await writeFile(join(dir, 'thesis.txt'), 'irreplaceable');
    const refusal = expect.objectContaining({ name: 'UserError', code: 'STATE_DAMAGED' });
    await expect(removePrivateHost(dir)).rejects.toEqual(refusal);
    await expect(start()).rejects.toEqual(refusal);
    expect(await readFile(join(dir, 'thesis.txt'), 'utf8')).toBe('irreplaceable');
    expect(await tracesOf(dir)).toEqual(['file h']);
    await rm(dir, { recursive: true });
  });
});

describe('what cannot be', () => {
  beforeEach(makeFolder);
  afterEach(clearFolder);

  test('a folder too long for a socket', async () => {
    const long = join(base, 'x'.repeat(100));
    await expect(start(long)).rejects.toMatchObject({
      name: 'UserError',
      code: 'USAGE',
      message: expect.stringContaining('107 bytes'),
    });
    expect(await readdir(base)).toEqual([]);
  });

  test('a folder that the host would hide from itself', async () => {
    await expect(start('/run/boshvirt-test/h')).rejects.toMatchObject({ name: 'UserError', code: 'USAGE' });
  });

  test('another user than root', async () => {
    process.seteuid?.(65_534);
    try {
      await expect(start()).rejects.toMatchObject({
        name: 'UserError',
        code: 'PERMISSION',
        hints: [expect.stringContaining('sudo boshvirt'), expect.stringContaining('usermod -aG libvirt')],
      });
    } finally {
      process.seteuid?.(0);
    }
  });

  test('root in a container without the capabilities for namespaces', async () => {
    const prefix = ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'];
    expect(await elsewhere('start', prefix)).toMatchObject({
      error: { name: 'UserError', code: 'PERMISSION', message: expect.stringContaining('CAP_SYS_ADMIN') },
    });
    expect(await readdir(base)).toEqual([]);
  });

  const lacking = mayMapUsers ? '' : ' (skipped: this machine, a chroot perhaps, refuses user namespaces)';
  test.skipIf(!mayMapUsers)(`root of a user namespace, as in a rootless container${lacking}`, async () => {
    expect(await elsewhere('start', mapUsers)).toMatchObject({
      error: {
        name: 'ToolError',
        code: 'PERMISSION',
        message: expect.stringContaining('ip netns add'),
        hints: expect.arrayContaining([expect.stringContaining('--privileged')]),
      },
    });
    expect((await tracesOf(dir)).filter(isNoFile)).toEqual([]);
  });

  test('a libvirtd that cannot be run: the error ends with the log, nothing is left', async () => {
    const { stdout } = await run(['which', 'libvirtd']);
    const answer = await elsewhere('start', withMounts(`mount --bind /dev/null ${stdout.trim()}`));
    expect(answer).toMatchObject({
      error: {
        name: 'ToolError',
        code: 'HYPERVISOR',
        message: expect.stringMatching(/Permission denied\n.*status 126/),
      },
    });
    expect((await tracesOf(dir)).filter(isNoFile)).toEqual([]);
  });

  test('a configuration that libvirtd refuses: the error says which line', async () => {
    const template = join(import.meta.dirname, '../../templates/private-host/libvirtd.conf');
    const broken = join(base, 'libvirtd.conf');
    await writeFile(broken, 'unix_sock_group = \n');
    const { error } = await elsewhere('start', withMounts(`mount --bind ${broken} ${template}`));
    expect(error).toMatchObject({ name: 'ToolError', code: 'HYPERVISOR' });
    expect(error?.message).toMatch(/libvirtd\.conf:1/);
    expect((await tracesOf(dir)).filter(isNoFile)).toEqual([]);
  });
});

describe('elsewhere', () => {
  beforeEach(makeFolder);
  afterEach(clearFolder);

  test('where systemd mounts: /run is a tmpfs with mounts in it, mounts are shared, /sys is in use', async () => {
    const script = `mount --make-rshared /
    mount -t tmpfs none /run
    mkdir -p /run/user/0 /run/netns
    mount -t tmpfs none /run/user/0
    cd /sys/class/net
    ${process.execPath} ${program} start ${dir} >${base}/answer
    mount -t tmpfs none ${base}/later
    grep -q ${base}/later /proc/$(cut -d' ' -f1 ${dir}/holder)/mountinfo
    umount ${base}/later
    grep -q ${base}/later /proc/$(cut -d' ' -f1 ${dir}/holder)/mountinfo && exit 1
    ${process.execPath} ${program} remove ${dir}
    ls -A ${base} /run/netns; findmnt --submounts /run`;
    await mkdir(join(base, 'later'));
    const { stdout } = await run(['unshare', '--mount', 'sh', '-ec', script], { timeoutMs });
    const { netnsName } = privateHostNames(dir);
    expect(JSON.parse(await readFile(join(base, 'answer'), 'utf8'))).toMatchObject({ host: { netnsName } });
    expect(stdout).not.toContain(netnsName);
    expect(stdout).toContain('/run/user/0');
    expect(await readdir(base)).toEqual(['answer', 'later']);
  });
});
