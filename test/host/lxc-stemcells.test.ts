/** What becomes of a container stemcell's root directory, and of its own ways to start and to end; no agent is waited for. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StemcellCid, VmCid, VmSpec } from '../../src/cpi/backend.ts';
import { diskXml } from '../../src/cpi/backends/lxc/domain-disks.ts';
import { domainXml } from '../../src/cpi/backends/lxc/domain-xml.ts';
import { makeFilesystem, unpackInto } from '../../src/cpi/backends/lxc/filesystems.ts';
import { parseVmProperties } from '../../src/cpi/backends/lxc/options.ts';
import { cloudErrorFrom } from '../../src/cpi/on-libvirt/errors.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { CpiHost, networkAt } from '../support/cpi-host.ts';

let host: CpiHost;
let cpi: BoshCpi;
let work: AsyncDisposable & { path: string };
let root: string;

/** Says who it is and what it was given, and ends when it is told by the signal that its program is for. */
const program = (name: string, signal: string) => `#!/bin/busybox sh
export PATH=/bin
echo "${name} with: $*"
trap 'echo "${name} was told"; exit 0' ${signal}
while :; do sleep 1000 & wait $!; done
`;
const mountedFiles = ['var/log/console.log', 'var/vcap/bosh/warden-cpi-agent-env.json'];
const agentJson = '{"Platform": {"Linux": {"BindMountPersistentDisk": true, "SkipDiskSetup": true}}}\n';

beforeAll(async () => {
  host = await CpiHost.start('lxc');
  cpi = host.cpi;
  work = await mkdtempDisposable(join(tmpdir(), 'bv-roots-'));
  root = join(work.path, 'root');
  await put('bin/keep', '');
  const { stdout: libraries } = await run(['ldd', '/bin/busybox'], { okExitCodes: [1] });
  for (const file of ['/bin/busybox', ...libraries.matchAll(/\/\S+/g)].map(String)) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await cp(file, join(root, file), { dereference: true });
  }
  for (const name of ['sh', 'sleep', 'grep', 'mkdir', 'echo'])
    await run(['ln', '-s', 'busybox', join(root, 'bin', name)]);
  await put('sbin/init', program('init', 'USR2'), 0o755);
  await put('opt/own-init', program('own', 'TERM'), 0o755);
  await put('var/vcap/bosh/agent.json', agentJson);
  await put('var/vcap/bosh/bin/sync-time', '#!/bin/sh\nexec chronyc waitsync\n', 0o755);
  await put('home/file', 'of somebody');
  await run(['chown', '1234:4321', join(root, 'home/file')]);
  await run(['mknod', join(root, 'home/device'), 'c', '1', '7']);
  await mkdir(join(root, 'var/log'), { recursive: true });
  // while libvirt sets a container up, the machine's own root lies there
  for (const place of mountedFiles)
    await run(['ln', '-s', `/.oldroot${work.path}/followed`, join(root, place)]);
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await work?.[Symbol.asyncDispose]();
});

async function put(path: string, content: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content, { mode });
}

/** The tree as create_stemcell gets it; gives the stemcell's CID. */
async function importTree(): Promise<string> {
  const image = join(work.path, 'image');
  await run(['tar', '-czf', image, '--xattrs', '-C', root, '.']);
  return String(await cpi.call('create_stemcell', image, {}));
}

async function createVm(stemcell: string, properties: object = {}): Promise<VmCid> {
  const size = { memory: 64, ephemeral_disk: 0, ...properties };
  const networks = { default: networkAt(11) };
  const [cid] = (await cpi.call('create_vm', 'agent', stemcell, size, networks, [], {})) as [VmCid];
  return cid;
}

const said = async (vm: VmCid) =>
  await host.withBackend(async ({ ground }) => await text(ground.consoleLog(vm)));
async function saying(vm: VmCid, line: string): Promise<string> {
  const whole = async () => {
    const all = await said(vm);
    return all.includes(line) ? all : undefined;
  };
  const found = await waitFor(whole, { timeoutMs: 30_000, intervalMs: 50 });
  if (found === undefined) throw new Error(`it never said '${line}': ${await said(vm)}`);
  return found;
}

describe('of a tree', () => {
  let image: string;
  beforeAll(async () => {
    image = join(host.poolPath, `${await importTree()}.img`);
  });
  const debugfs = async (request: string) => (await run(['debugfs', '-R', request, image])).stdout;

  test('owners, devices and links are kept', async () => {
    expect(await debugfs('stat /home/file')).toMatch(/User:\s+1234\s+Group:\s+4321/);
    expect(await debugfs('stat /home/device')).toMatch(/01:07/);
    expect(await debugfs('stat /bin/sh')).toContain('Fast link dest: "busybox"');
  });

  test('the agent is set to mount its disks, and the clock to be left alone', async () => {
    expect(JSON.parse(await debugfs('cat /var/vcap/bosh/agent.json'))).toEqual({
      Platform: { Linux: { BindMountPersistentDisk: false, SkipDiskSetup: true } },
    });
    expect(await debugfs('cat /var/vcap/bosh/bin/sync-time')).not.toContain('chronyc');
  });

  test('no link leads from where our files are mounted to the machine’s own', async () => {
    for (const place of mountedFiles) expect(await debugfs(`stat /${place}`)).toMatch(/Type: regular/);
  });

  test('what an import leaves is an image that is whole, and nothing that is mounted', async () => {
    expect((await run(['e2fsck', '-f', '-n', image])).exitCode).toBe(0);
    expect((await run(['losetup', '--list', '--output', 'BACK-FILE'])).stdout).not.toContain(image);
  });
});

test('a stemcell with a link in place of a folder that it needs is refused, and leaves nothing', async () => {
  await run(['mv', join(root, 'var/vcap'), join(root, 'var/elsewhere')]);
  await run(['ln', '-s', '/tmp', join(root, 'var/vcap')]);
  const before = await host.volumeNames('sc-');
  const { message } = await importTree().then(
    () => ({ message: 'imported' }),
    (error: Error) => error,
  );
  expect(message).toContain('link in place of the folder /var/vcap');
  expect(await host.volumeNames('sc-')).toEqual(before);
  await run(['rm', join(root, 'var/vcap')]);
  await run(['mv', join(root, 'var/elsewhere'), join(root, 'var/vcap')]);
});

test('an image for which the storage below has no room after all is NoDiskSpace', async () => {
  const folder = join(work.path, 'cramped');
  await mkdir(folder);
  await run(['mount', '-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]);
  try {
    const image = join(folder, 'image');
    await run(['truncate', '--size', '256M', image]);
    await makeFilesystem(image);
    await writeFile(join(work.path, 'large'), randomBytes(48 << 20));
    await run(['tar', '-cf', join(work.path, 'large.tar'), '-C', work.path, 'large']);
    const error = await unpackInto(image, createReadStream(join(work.path, 'large.tar'))).catch(
      (thrown: unknown) => thrown,
    );
    expect(cloudErrorFrom(error, 'Importing').type).toBe('NoDiskSpace');
    expect((await run(['losetup', '--list', '--output', 'BACK-FILE'])).stdout).not.toContain(image);
  } finally {
    await run(['umount', folder]);
  }
});

describe('the first program is', () => {
  test('/sbin/init, and it is asked to end', async () => {
    const vm = await createVm(await importTree());
    await saying(vm, 'init with: systemd.show_status=0');
    await cpi.call('reboot_vm', vm);
    expect(await saying(vm, 'init was told')).toContain('init with');
    expect(cpi.log).not.toMatch(/did not shut down/);
    await cpi.call('delete_vm', vm);
  });

  test('the one that cloud properties name, with its arguments', async () => {
    const vm = await createVm(await importTree(), { init: ['/opt/own-init', 'a b', '$x'] });
    await saying(vm, 'own with: a b $x');
    await cpi.call('delete_vm', vm);
  });

  test('runsvdir-start, where the stemcell has it', async () => {
    await put('usr/sbin/runsvdir-start', program('runsvdir', 'TERM'), 0o755);
    const vm = await createVm(await importTree());
    await saying(vm, 'runsvdir with: ');
    await cpi.call('delete_vm', vm);
  });

  test('nothing that is there: it says so, and the VM can be deleted', async () => {
    const stemcell = await importTree();
    const impossible = { init: '/nowhere', cpus: 1 };
    const vm = await createVm(stemcell, impossible);
    await saying(vm, '/nowhere');
    await cpi.call('reboot_vm', vm); // one that ended by itself
    await cpi.call('delete_vm', vm);
    expect(await host.vmNames()).toEqual([]);
  });
});

test.each([
  [
    'a VM',
    domainXml({
      folder: `/it's a <pool> & more`,
      environment: `<&"'>é`,
      spec: oddSpec(),
      properties: parseVmProperties({}, silentLog),
    }),
  ],
  [
    'a VM without an ephemeral disk',
    domainXml({
      folder: '/p',
      environment: 'e',
      spec: oddSpec(),
      properties: parseVmProperties({ ephemeral_disk: 0, init: ['/i', '<&'] }, silentLog),
    }),
  ],
])('libvirt’s own schema knows the definition of %s', async (_, xml) => {
  const path = join(work.path, 'domain.xml');
  const disk = diskXml({ cid: 'disk-0123456789abcde' as never, target: 'ubda' });
  await writeFile(path, xml.replace('<console', `${disk}<console`));
  expect((await run(['virt-xml-validate', path, 'domain'])).exitCode).toBe(0);
});

function oddSpec(): VmSpec {
  const v6 = { ip: 'fd00::6', netmask: 'ffff:ffff:ffff:ffff::', gateway: 'fd00::1', default: ['gateway'] };
  return {
    cid: 'vm-0123456789abcdef0' as VmCid,
    agentId: `<&"'>é`,
    stemcell: 'sc-0123456789abcdef0' as StemcellCid,
    cloudProperties: {},
    nics: [
      { networks: ['default', 'v6'], hostNetwork: 'default', mac: '52:54:00:aa:bb:cc', ips: ['10.0.0.6'] },
      { networks: ['other'], hostNetwork: 'bridge:br0', mac: '52:54:00:aa:bb:cd', ips: [] },
    ],
    networks: {
      default: { ...networkAt(6), type: 'manual' },
      v6,
      other: { ip: '10.1.0.6', netmask: '255.255.0.0' },
    },
  };
}
