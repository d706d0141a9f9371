import { readFile, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { connectLibvirt } from '../../clients/libvirt/index.ts';
import { messageOf } from '../../platform/errors.ts';
import { kvmWorks } from '../../platform/kvm.ts';
import { run, which } from '../../platform/process.ts';
import type { Finding } from './finding.ts';
import { installCommand } from './install.ts';
import { availableMemoryMb } from './memory.ts';
import { missingPackages } from './packages.ts';

const bytesPerMb = 1024 * 1024;
const wantedMemoryMb = 1024;
const wantedDiskMb = 4096;

/** Looks at this machine; each check says what it saw and, where something is wrong, why it matters and what to do. */
export async function inspectHost(): Promise<Finding[]> {
  return await Promise.all([
    packages('qemu', 'host.packages', 'hypervisor packages', 'guests run on libvirt and QEMU'),
    packages(
      'stemcell',
      'stemcell.packages',
      'stemcell tools',
      'they build the probe stemcell; --stemcell PATH does without',
    ),
    permission(),
    libvirtSocket(),
    kvm(),
    memory(),
    diskSpace(),
    boshCli(),
    nodeVersion(),
  ]);
}

async function packages(need: 'qemu' | 'stemcell', id: string, title: string, why: string): Promise<Finding> {
  const missing = await missingPackages(need);
  if (missing.length === 0) return { id, title, status: 'ok', detail: 'installed', why };
  return {
    id,
    title,
    status: 'fail',
    detail: `missing: ${missing.join(', ')}`,
    why,
    fix: `${installCommand(missing)} (or boshvirt doctor --fix)`,
  };
}

async function permission(): Promise<Finding> {
  const root = process.getuid?.() === 0;
  const finding = {
    id: 'host.permission',
    title: 'permission',
    why: 'a private libvirt host makes namespaces, which takes root',
  };
  if (root) return { ...finding, status: 'ok', detail: 'root' };
  return {
    ...finding,
    status: 'warn',
    detail: 'not root',
    fix: 'run as root, or use a libvirtd that you may talk to (group libvirt)',
  };
}

async function libvirtSocket(): Promise<Finding> {
  const finding = { id: 'libvirt.socket', title: 'libvirt', why: 'environments live on it' };
  try {
    await using libvirt = await connectLibvirt('qemu:///system', { connectTimeoutMs: 3_000 });
    return {
      ...finding,
      status: 'ok',
      detail: `qemu:///system answers (libvirt ${await libvirt.libraryVersion()})`,
    };
  } catch (error) {
    if (process.getuid?.() === 0) {
      return {
        ...finding,
        status: 'ok',
        detail: 'qemu:///system does not answer; boshvirt starts a private host',
      };
    }
    return {
      ...finding,
      status: 'fail',
      detail: messageOf(error),
      fix: 'systemctl enable --now libvirtd; usermod -aG libvirt $USER',
    };
  }
}

async function kvm(): Promise<Finding> {
  const finding = {
    id: 'kvm.works',
    title: 'accelerator',
    why: 'without KVM guests are emulated: they work, several times slower',
  };
  const cpuinfo = await readFile('/proc/cpuinfo', 'utf8');
  const device = await readFile('/dev/kvm').then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
  if (device && kvmWorks("<domain type='kvm'/>", cpuinfo)) return { ...finding, status: 'ok', detail: 'KVM' };
  const detail = device
    ? '/dev/kvm is there, but the processor shows no vmx or svm: guests are emulated'
    : 'no /dev/kvm: guests are emulated';
  return {
    ...finding,
    status: 'warn',
    detail,
    fix: 'switch virtualization on in the firmware, or nested virtualization in the outer hypervisor',
  };
}

async function memory(): Promise<Finding> {
  const freeMb = await availableMemoryMb();
  const finding = {
    id: 'ram.free',
    title: 'memory',
    why: 'a tiny machine takes 512 MiB, Cloud Foundry 16 GiB',
    detail: `${freeMb} MiB available`,
  };
  return freeMb >= wantedMemoryMb
    ? { ...finding, status: 'ok' }
    : { ...finding, status: 'warn', fix: 'end something large' };
}

async function diskSpace(): Promise<Finding> {
  const { bavail, bsize } = await statfs(homedir());
  const freeMb = Math.floor((bavail * bsize) / bytesPerMb);
  const finding = {
    id: 'fs.space',
    title: 'disk space',
    why: 'stemcells and disks',
    detail: `${freeMb} MiB free in ${homedir()}`,
  };
  return freeMb >= wantedDiskMb
    ? { ...finding, status: 'ok' }
    : { ...finding, status: 'warn', fix: 'free some, or set XDG_DATA_HOME to a larger file system' };
}

async function boshCli(): Promise<Finding> {
  const finding = {
    id: 'bosh.cli',
    title: 'bosh CLI',
    why: 'manifests with jobs need it, and Ruby to render their templates',
  };
  const [bosh, ruby] = await Promise.all([which('bosh'), which('ruby')]);
  if (bosh && ruby) {
    const { stdout } = await run([bosh, '--version'], { timeoutMs: 10_000, okExitCodes: [1] });
    return { ...finding, status: 'ok', detail: `${bosh}: ${stdout.trim().split('\n')[0] ?? ''}` };
  }
  const detail = bosh
    ? 'bosh is there, ruby is not: the built-in engine is used'
    : 'not installed: the built-in engine is used';
  return { ...finding, status: 'ok', detail };
}

async function nodeVersion(): Promise<Finding> {
  return {
    id: 'node.version',
    title: 'Node',
    status: 'ok',
    detail: process.version,
    why: 'boshvirt runs on Node 24 or newer',
  };
}
