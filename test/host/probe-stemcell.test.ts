/** The probe stemcell as a CPI and bosh meet it: built here, started in plain QEMU, spoken to over its mbus. */
import { once } from 'node:events';
import { mkdtempDisposable, readFile, truncate, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildAgentSettings, configDriveFiles, writeIso9660 } from '../../src/cpi/agent/index.ts';
import { openStemcellImage } from '../../src/cpi/stemcell/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { openPipe, run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { buildProbeStemcell } from '../../src/stemcell/index.ts';

const diskCid = 'disk-0123456789abcde';
const mac = '52:54:00:aa:bb:cc';
const tls = new Agent({ rejectUnauthorized: false });

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let port: number;
let machine: ReturnType<typeof openPipe>;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'probe-'));
  port = await freePort();
  const stemcell = await buildProbeStemcell({ cacheDir: join(folder.path, 'cache'), log: silentLog });
  await run(['tar', '-xzf', stemcell.path, '-C', folder.path]);
  const image = await openStemcellImage(join(folder.path, 'image'));
  await writeFile(join(folder.path, 'root.img'), image.open());
  await writeFile(join(folder.path, 'ephemeral.img'), '');
  await truncate(join(folder.path, 'ephemeral.img'), 512 << 20);
  await writeFile(join(folder.path, 'disk.img'), '');
  await truncate(join(folder.path, 'disk.img'), 256 << 20);
  await writeFile(join(folder.path, 'config.iso'), writeIso9660('config-2', configDriveFiles(settings())));
  machine = startMachine();
});

afterAll(async () => {
  await stopMachine();
  await folder?.[Symbol.asyncDispose]();
});

test('the agent answers, keeps a hot-plugged disk over power loss and reboot, and obeys the power button', async () => {
  expect(await pong()).toBe('pong');
  expect(await call('list_disk')).toEqual([]);

  await plug();
  await task('add_persistent_disk', diskCid, { path: `/dev/disk/by-id/virtio-${diskCid}` });
  await task('mount_disk', diskCid);
  expect(await call('list_disk')).toEqual([diskCid]);

  await qmp({ execute: 'system_reset' });
  expect(await pong()).toBe('pong');
  expect(await call('list_disk')).toEqual([diskCid]);
  await task('unmount_disk', diskCid);
  expect(await call('list_disk')).toEqual([]);

  await qmp({ execute: 'system_powerdown' });
  const off = await waitFor(async () => (machine.exitCode === null ? undefined : machine.exitCode), {
    timeoutMs: 60_000,
  });
  expect(off).toBe(0);
  expect(await readFile(join(folder.path, 'console.log'), 'utf8')).toContain('probe: shutting down');
});

function settings() {
  const network = {
    type: 'manual',
    ip: '10.0.2.15',
    netmask: '255.255.255.0',
    gateway: '10.0.2.2',
    mac,
  } as const;
  return buildAgentSettings({
    agentId: 'probe-under-test',
    vmCid: 'vm-0123456789abcdef0',
    networks: { default: network },
    env: {},
    agent: { mbus: 'https://mbus:secret@0.0.0.0:6868' },
    disks: { system: '/dev/vda', ephemeral: '/dev/vdb' },
  });
}

function startMachine(): ReturnType<typeof openPipe> {
  const drive = (id: string, file: string, options = '') => [
    '-drive',
    `if=none,id=${id},file=${file},format=raw${options}`,
  ];
  const child = openPipe(
    [
      'qemu-system-x86_64',
      ...[
        '-machine',
        'pc',
        '-accel',
        'tcg,thread=multi',
        '-cpu',
        'qemu64',
        '-smp',
        '2',
        '-m',
        '512',
        '-display',
        'none',
      ],
      ...['-serial', 'file:console.log', '-qmp', 'unix:qmp.sock,server=on,wait=off'],
      ...drive('root', 'root.img'),
      ...['-device', 'virtio-blk-pci,drive=root,serial=root,bootindex=1'],
      ...drive('ephemeral', 'ephemeral.img'),
      ...['-device', 'virtio-blk-pci,drive=ephemeral,serial=ephemeral'],
      ...['-device', 'virtio-scsi-pci'],
      ...drive('settings', 'config.iso', ',readonly=on'),
      ...['-device', 'scsi-cd,drive=settings'],
      ...['-netdev', `user,id=net,net=10.0.2.0/24,restrict=on,hostfwd=tcp:127.0.0.1:${port}-10.0.2.15:6868`],
      ...['-device', `virtio-net-pci,netdev=net,mac=${mac}`],
    ],
    { cwd: folder.path },
  );
  child.stdout.resume();
  child.stderr.resume();
  return child;
}

async function stopMachine(): Promise<void> {
  if (!machine || machine.exitCode !== null || machine.signalCode !== null) return;
  const ended = once(machine, 'exit');
  machine.kill('SIGKILL');
  await ended;
}

/** Plugs the persistent disk in as a CPI does: on PCI, with its CID as serial number. */
async function plug(): Promise<void> {
  const file = { driver: 'file', filename: join(folder.path, 'disk.img') };
  await qmp({ execute: 'blockdev-add', arguments: { driver: 'raw', 'node-name': 'persistent', file } });
  const device = { driver: 'virtio-blk-pci', id: 'persistent-device', drive: 'persistent', serial: diskCid };
  await qmp({ execute: 'device_add', arguments: device });
}

async function qmp(command: Readonly<Record<string, unknown>>): Promise<void> {
  const socket = connect(join(folder.path, 'qmp.sock'));
  try {
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]() as AsyncIterator<string, string>;
    await lines.next();
    for (const wanted of [{ execute: 'qmp_capabilities' }, command]) {
      socket.write(`${JSON.stringify(wanted)}\n`);
      let answer: Record<string, unknown>;
      do answer = JSON.parse((await lines.next()).value);
      while ('event' in answer);
      expect(answer).toHaveProperty('return');
    }
  } finally {
    socket.destroy();
  }
}

/** What the agent says to ping, once it says anything. */
async function pong(): Promise<unknown> {
  const answer = await waitFor(() => call('ping').catch(() => undefined), {
    timeoutMs: 120_000,
    intervalMs: 500,
  });
  if (answer === undefined)
    throw new Error(`no answer; console:\n${await readFile(join(folder.path, 'console.log'), 'utf8')}`);
  return answer;
}

async function task(method: string, ...args: unknown[]): Promise<unknown> {
  const started = (await call(method, ...args)) as { agent_task_id: string };
  const done = async () => {
    const value = (await call('get_task', started.agent_task_id)) as { state?: string } | string;
    return typeof value === 'object' && value.state === 'running' ? undefined : { value };
  };
  return await waitFor(done, { timeoutMs: 60_000, intervalMs: 200 });
}

async function call(method: string, ...args: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ method, arguments: args, reply_to: 'test' });
  const answer = await new Promise<string>((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      path: '/agent',
      method: 'POST',
      auth: 'mbus:secret',
      agent: tls,
      timeout: 5_000,
    };
    const sent = request(options, async (response) => resolve((await response.toArray()).join('')));
    sent.on('timeout', () => sent.destroy(new Error('no answer within 5 s')));
    sent.on('error', reject);
    sent.end(body);
  });
  const { value, exception } = JSON.parse(answer);
  if (exception) throw new Error(exception.message);
  return value;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}
