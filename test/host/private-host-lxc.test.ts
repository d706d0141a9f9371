/** Containers on a private host: libvirt's LXC driver, a busybox system, the host's own control groups. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectLibvirt, libvirtErrors } from '../../src/clients/libvirt/index.ts';
import { releaseDevices } from '../../src/host/private-host/devices.ts';
import {
  findPrivateHost,
  privateHostUri,
  removePrivateHost,
  startPrivateHost,
} from '../../src/host/private-host/index.ts';
import { deviceLinks } from '../../src/platform/device-links.ts';
import { readTextIfThere } from '../../src/platform/files.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { startLibvirtd, type TestLibvirtd } from '../support/libvirtd.ts';
import { guestCgroups, loopDevicesOf, processesIn, tracesOf } from '../support/traces.ts';

const program = join(import.meta.dirname, '../support/private-host-program.ts');
const memoryMb = 48;
/** The first program inside: takes more memory than there is, writes down how that ended, and stays. */
const init = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc; /bin/busybox mount -t proc proc /proc
/bin/busybox dd if=/dev/zero of=/dev/null bs=${4 * memoryMb}M count=1
echo "a process that wants too much ends with $?" >/said
/bin/busybox sleep 3600
`;

let libvirtd: TestLibvirtd;
let rootFolder: string;

beforeAll(async () => {
  libvirtd = await startLibvirtd('lxc');
  rootFolder = join(libvirtd.folder, 'rootfs');
  const { stdout: libraries } = await run(['ldd', '/bin/busybox']);
  for (const file of ['/bin/busybox', ...libraries.matchAll(/\/\S+/g)].map(String))
    await cp(file, join(rootFolder, file), { dereference: true });
  await writeFile(join(rootFolder, 'init'), init, { mode: 0o755 });
});
afterAll(async () => await libvirtd[Symbol.asyncDispose]());

const containerXml = (name: string, root: string) => `<domain type='lxc'><name>${name}</name>
  <memory unit='MiB'>${memoryMb}</memory><vcpu>1</vcpu><os><type>exe</type><init>/init</init></os>
  <devices>${root}<console type='pty'/></devices></domain>`;
const onFolder = (path: string) =>
  `<filesystem type='mount'><source dir='${path}'/><target dir='/'/></filesystem>`;
const onImage = (path: string) =>
  `<filesystem type='file'><driver type='loop' format='raw'/><source file='${path}'/><target dir='/'/></filesystem>`;

async function startContainer(name: string, root: string): Promise<void> {
  await using libvirt = await connectLibvirt(libvirtd.uri);
  const domain = await libvirt.defineDomain(containerXml(name, root), { validate: true });
  await domain.start();
}

const virsh = async (...args: string[]) =>
  (await run(['virsh', '-q', '-c', libvirtd.uri, ...args])).stdout.trim();
const until = async <T>(what: string, probe: () => Promise<T | undefined>): Promise<T> => {
  const seen = await waitFor(probe, { timeoutMs: 60_000, intervalMs: 20 });
  if (seen === undefined) throw new Error(`waited in vain: ${what}`);
  return seen;
};
const holder = async () => (await findPrivateHost(libvirtd.folder))?.pid as number;

/** The limit of the one container's memory in bytes, as the kernel has it, whichever version of control groups it has. */
async function memoryLimit(): Promise<number> {
  const keeper = (await processesIn(libvirtd.folder)).find(({ name }) => name === 'libvirt_lxc');
  const groups = await readFile(`/proc/${keeper?.pid}/cgroup`, 'utf8');
  const v1 = /^\d+:(?:.*,)?memory(?:,.*)?:(.*)$/m.exec(groups)?.[1];
  const file = v1
    ? `/sys/fs/cgroup/memory${v1}/memory.limit_in_bytes`
    : `/sys/fs/cgroup${/^0::(.*)$/m.exec(groups)?.[1]}/memory.max`;
  return Number(await readFile(file, 'utf8'));
}

test('a container runs within its limits, in control groups of the host’s own', async () => {
  const before = await guestCgroups();
  await startContainer('one', onFolder(rootFolder));
  const said = await until('the container’s word', () => readTextIfThere(join(rootFolder, 'said')));
  expect(said).toBe('a process that wants too much ends with 137\n'); // SIGKILL: the kernel's answer
  expect(await virsh('domstate', 'one')).toBe('running');
  expect(await memoryLimit()).toBe(memoryMb * 1024 * 1024);
  expect(await guestCgroups()).toEqual(before);
  await virsh('destroy', 'one');
});

test('a driver that was installed after the start is there with the next one; nothing else is disturbed', async () => {
  const base = await mkdtemp(join(tmpdir(), 'bv-'));
  const dir = join(base, 'h');
  const driver = (await run(['sh', '-c', 'ls /usr/lib/*/libvirt/connection-driver/*_lxc.so'])).stdout.trim();
  const drivers = dirname(driver);
  // the machine as it was without the package
  const hide = `cp -a ${drivers} ${base}/drivers; rm ${base}/drivers/*_lxc.so; mount --bind ${base}/drivers ${drivers}`;
  const start = [process.execPath, program, 'start', dir].join(' ');
  try {
    const { stdout } = await run(['unshare', '--mount', 'sh', '-ec', `${hide}; ${start}`]);
    const { pid } = (JSON.parse(stdout) as { host: { pid: number } }).host;
    const refused = connectLibvirt(privateHostUri(dir, 'lxc'));
    await expect(refused).rejects.toMatchObject({ libvirtCode: libvirtErrors.NO_CONNECT });
    await cp(driver, join(base, 'drivers', basename(driver))); // as dpkg does it
    const signal = AbortSignal.timeout(90_000);
    expect(await startPrivateHost(dir, { driver: 'lxc', log: silentLog, signal })).toMatchObject({ pid });
    await using libvirt = await connectLibvirt(privateHostUri(dir, 'lxc'));
    expect(await libvirt.listDomains()).toEqual([]);
  } finally {
    await removePrivateHost(dir);
    await rm(base, { recursive: true });
  }
});

test('devices of a host whose folder is reached by a link are found too', async () => {
  const base = await mkdtemp(join(tmpdir(), 'linked-'));
  try {
    await writeFile(join(base, 'disk.img'), Buffer.alloc(1 << 20));
    await symlink('.', join(base, 'link'));
    await run(['losetup', '--find', join(base, 'disk.img')]);
    await releaseDevices(join(base, 'link'));
    expect(await loopDevicesOf(base)).toEqual([]);
  } finally {
    await releaseDevices(base);
    await rm(base, { recursive: true });
  }
});

test('what holds a container’s disk goes with the host, even if that is killed', async () => {
  const image = join(libvirtd.folder, 'root.img');
  await run(['mke2fs', '-q', '-t', 'ext4', '-d', rootFolder, image, '32M']);
  await startContainer('two', onImage(image));
  await virsh('autostart', 'two');
  expect(await loopDevicesOf(libvirtd.folder)).toHaveLength(1);
  // one that libvirt knows nothing about, as a CPI makes it to attach a disk
  await writeFile(join(libvirtd.folder, 'disk.img'), Buffer.alloc(1 << 20));
  const { stdout: device } = await run(['losetup', '--find', '--show', join(libvirtd.folder, 'disk.img')]);
  await mkdir(deviceLinks, { recursive: true });
  const link = join(deviceLinks, `test-${basename(libvirtd.folder)}`);
  await symlink(device.trim(), link);
  await symlink(image, `${link}.img`);
  process.kill(await holder(), 'SIGKILL');
  await until('the end of all processes', async () =>
    (await processesIn(libvirtd.folder)).length === 0 ? true : undefined,
  );
  await startPrivateHost(libvirtd.folder, {
    driver: 'lxc',
    log: silentLog,
    signal: AbortSignal.timeout(90_000),
  });
  await until('the container', async () =>
    (await virsh('domstate', 'two')) === 'running' ? true : undefined,
  );
  expect(await loopDevicesOf(libvirtd.folder)).toEqual([expect.stringContaining('root.img')]);
  expect((await readdir(deviceLinks)).filter((name) => name.startsWith(basename(link)))).toEqual([]);
  await libvirtd[Symbol.asyncDispose]();
  const { folder } = libvirtd;
  const left = await tracesOf(folder);
  expect(left.filter((trace) => !trace.startsWith('file '))).toEqual([]);
});
