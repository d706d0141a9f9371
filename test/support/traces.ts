import { readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { privateHostNames } from '../../src/host/private-host/index.ts';
import { deviceLinks } from '../../src/platform/device-links.ts';
import { run } from '../../src/platform/process.ts';

/** Processes that live in the mounts of the private host in `dir`, by name: libvirtd, dnsmasq, guests. */
export async function processesIn(dir: string): Promise<{ pid: number; name: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
      if (!mounts.includes(`${dir}/root/`)) return [];
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return name === '' ? [] : [{ pid, name: name.trim() }];
    }),
  );
  return found.flat();
}

/** All that the private host in `dir` has left on the machine outside of what `dir` holds. */
export async function tracesOf(dir: string): Promise<string[]> {
  const { netnsName, cgroup } = privateHostNames(dir);
  const namespaces = (await run(['ip', 'netns', 'list'])).stdout
    .split('\n')
    .map((line) => line.split(' ')[0]);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return [
    ...(await processesIn(dir)).map(({ pid, name }) => `process ${pid} ${name}`),
    ...namespaces.filter((name) => name === netnsName).map((name) => `network namespace ${name}`),
    ...mounts.filter((line) => line.includes(dir) || line.includes(netnsName)).map((line) => `mount ${line}`),
    ...(await cgroupsNamed(cgroup)).map((path) => `cgroup ${path}`),
    ...(await loopDevicesOf(dir)).map((line) => `loop device ${line}`),
    ...(await deviceLinksTo(dir)).map((line) => `link ${line}`),
    ...(await readdir(dirname(dir))).map((name) => `file ${name}`),
  ];
}

async function deviceLinksTo(dir: string): Promise<string[]> {
  const names = await readdir(deviceLinks).catch(() => []);
  const links = await Promise.all(
    names.map(async (name) => `${name} ${await readlink(join(deviceLinks, name)).catch(() => '')}`),
  );
  return links.filter((link) => link.includes(` ${dir}/`));
}

/** What the machine's own network consists of, as its own tools tell it. */
export async function ownNetwork(): Promise<Record<string, string>> {
  const tell = async (...argv: [string, ...string[]]) => (await run(argv)).stdout;
  // counters of packets differ from one moment to the next
  const rules = async (program: string) => (await tell(program)).replaceAll(/^#.*\n|\[\d+:\d+\]/gm, '');
  return {
    links: await tell('ip', '-o', 'link', 'show'),
    addresses: await tell('ip', '-o', '-4', 'address', 'show'),
    routes: await tell('ip', 'route', 'show', 'table', 'all'),
    iptables: await rules('iptables-save'),
    ip6tables: await rules('ip6tables-save'),
    forwarding: await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  };
}

/** cgroups that libvirt or systemd-machined made for guests outside of private hosts' own. */
export async function guestCgroups(): Promise<string[]> {
  return (await cgroupFolders()).filter(
    (path) => /libvirt|machine|qemu/.test(path) && !/boshvirt-/.test(path),
  );
}

/** A private host's cgroups, in all hierarchies, without what is below them. */
export async function cgroupsNamed(name: string): Promise<string[]> {
  return (await cgroupFolders()).filter((path) => path.endsWith(`/${name}`));
}

async function cgroupFolders(): Promise<string[]> {
  const { stdout } = await run(['find', '/sys/fs/cgroup', '-type', 'd'], { okExitCodes: [1] });
  return stdout.split('\n').sort();
}

/** Loop devices whose files lie in `dir`. */
export async function loopDevicesOf(dir: string): Promise<string[]> {
  const { stdout } = await run(['losetup', '--all', '--noheadings', '--output', 'NAME,BACK-FILE']);
  return stdout.split('\n').filter((line) => line.includes(`${dir}/`));
}
