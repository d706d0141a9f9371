/** The probe stemcell's form for containers: built here, started in bare namespaces, spoken to over its mbus, and stopped. */
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildAgentSettings } from '../../src/cpi/agent/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { openPipe, run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { buildProbeStemcell } from '../../src/stemcell/index.ts';

const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'boshvirt');

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let root: string;
let container: ReturnType<typeof openPipe>;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'probe-container-'));
  root = join(folder.path, 'root');
  await mkdir(root);
  const stemcell = await buildProbeStemcell({ cacheDir, form: 'container', log: silentLog });
  await run(['tar', '-xzf', stemcell.path, '-C', folder.path]);
  await run(['tar', '--numeric-owner', '-xpzf', join(folder.path, 'image'), '-C', root]);
  await writeFile(join(root, 'var/vcap/bosh/warden-cpi-agent-env.json'), JSON.stringify(settings()));
  container = startContainer();
});

afterAll(async () => {
  if (container && container.exitCode === null && container.signalCode === null) {
    const ended = once(container, 'exit');
    container.kill('SIGKILL');
    await ended;
  }
  await folder?.[Symbol.asyncDispose]();
});

test('the agent answers once init has started it, and SIGTERM to init ends the container', async () => {
  const init = await waitFor(initPid, { timeoutMs: 30_000, intervalMs: 20 });
  const answer = await waitFor(() => ping(init ?? ''), { timeoutMs: 60_000, intervalMs: 100 });
  expect(answer).toContain('"pong"');
  expect(await readFile(join(root, 'etc/resolv.conf'), 'utf8')).toBe('nameserver 10.0.0.1\n');

  const ended = once(container, 'exit');
  process.kill(Number(init), 'SIGTERM');
  await ended;
  expect(await readFile(join(folder.path, 'console'), 'utf8')).toContain('probe: shutting down');
});

function settings() {
  const network = {
    type: 'manual',
    ip: '10.0.0.6',
    netmask: '255.255.255.0',
    gateway: '10.0.0.1',
    dns: ['10.0.0.1'],
    preconfigured: true,
  } as const;
  return buildAgentSettings({
    agentId: 'probe-under-test',
    vmCid: 'vm-0123456789abcdef0',
    networks: { default: network },
    env: {},
    agent: { mbus: 'https://mbus:secret@0.0.0.0:6868' },
    disks: { system: '' },
  });
}

/** Character devices of major number 1 (devices.txt of the kernel). */
const devices = { null: 3, zero: 5, random: 8, urandom: 9 };

/** What a container runtime does, as far as this guest needs it: namespaces, a few devices, /sbin/init. */
function startContainer(): ReturnType<typeof openPipe> {
  const script = [
    'mount -t tmpfs -o mode=755 tmpfs "$0/dev"',
    ...Object.entries(devices).map(([name, minor]) => `mknod -m 666 "$0/dev/${name}" c 1 ${minor}`),
    'touch "$0/../console" "$0/dev/console"',
    'mount --bind "$0/../console" "$0/dev/console"',
    'exec chroot "$0" /sbin/init',
  ].join(' && ');
  const namespaces = ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child'];
  const child = openPipe(['unshare', ...namespaces, 'sh', '-c', script, root]);
  child.stdout.resume();
  child.stderr.resume();
  return child;
}

/** The container's first process, once it is the guest's init. */
async function initPid(): Promise<string | undefined> {
  const children = await readFile(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8');
  const [pid] = children.trim().split(' ');
  if (!pid) return undefined;
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes('busybox\0init') ? pid : undefined;
}

/** What the agent answers on the container's own network, if anything does. */
async function ping(pid: string): Promise<string | undefined> {
  const code = `
    const sent = require('node:https').request('https://mbus:secret@127.0.0.1:6868/agent', { method: 'POST', rejectUnauthorized: false },
      (answer) => answer.pipe(process.stdout));
    sent.on('error', () => {});
    sent.end(JSON.stringify({ method: 'ping', arguments: [], reply_to: 'test' }));`;
  return (await run(['nsenter', '-t', pid, '-n', process.execPath, '-e', code])).stdout || undefined;
}
