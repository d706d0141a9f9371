/** The ways to a libvirtd, and what becomes of a connection when one side goes: real daemons, real ssh. */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  CallTimeoutError,
  ConnectionLostError,
  connectLibvirt,
  type Libvirt,
  libvirtErrors,
} from '../../src/clients/libvirt/index.ts';
import { childrenNamed } from '../../src/host/private-host/processes.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import {
  bytes,
  digest,
  domainXml,
  type LibvirtScene,
  mib,
  refusal,
  startScene,
  volumeXml,
} from '../support/libvirt-scene.ts';
import { type SshServer, startSshServer } from '../support/ssh-server.ts';

const nobody = 65_534;
let scene: LibvirtScene;

beforeAll(async () => {
  scene = await startScene();
});

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a read-only connection looks and does not touch', async () => {
  await using reader = await connectLibvirt(scene.daemon.uri, { readonly: true });
  expect(await reader.findPool('p1')).toBeDefined();
  expect((await refusal(reader.defineDomain(domainXml('no')))).message).toMatch(/read only|forbidden/);
});

test('a URI that no driver knows is refused by libvirt', async () => {
  const error = await refusal(connectLibvirt('nope:///system', { socketPath: scene.daemon.socketPath }));
  expect(error.is(libvirtErrors.NO_CONNECT, libvirtErrors.CONFIG_UNSUPPORTED)).toBe(true);
});

describe('over a real ssh', () => {
  let server: SshServer;
  const uri = (query: string) => `qemu+ssh://root@${server.address}/system?keyfile=${server.keyfile}${query}`;

  beforeAll(async () => {
    server = await startSshServer(scene.daemon.pid);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    vi.stubEnv('PATH', `${server.programs}:${process.env.PATH}`);
  });

  test('a host that is not known is refused, unless that is asked for', async () => {
    await expect(connectLibvirt(uri(''))).rejects.toThrow('Host key verification failed');
    await using remote = await connectLibvirt(uri('&no_verify=1'));
    expect(await remote.hostname()).toBe(await scene.libvirt.hostname());
  });

  test('a key that lets nobody in is told in the words of ssh', async () => {
    const otherKey = join(server.programs, 'other-key');
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', otherKey]);
    const error = await lost(connectLibvirt(uri('&no_verify=1').replace(server.keyfile, otherKey)));
    expect(error.message).toContain('Permission denied');
    expect(error.hints.join()).toContain('by hand');
  });

  test('calls, events and bulk data go both ways', async () => {
    await using remote = await connectLibvirt(uri('&no_verify=1'));
    using events = await remote.events('lifecycle');
    await using vm = await scene.domain('far');
    expect((await remote.findDomain('far'))?.uuid).toBe(vm.uuid);
    for await (const event of events) {
      expect(event).toMatchObject({ domainName: 'far', happened: 'defined' });
      break;
    }
    const volume = await (await remote.findPool('p1'))?.createVolume(volumeXml('far.raw', 16 * mib));
    const seed = randomBytes(mib);
    await volume?.upload(bytes(16 * mib, seed));
    expect(await digest(volume?.download() ?? bytes(0, seed))).toEqual(await digest(bytes(16 * mib, seed)));
    await volume?.delete();
  });

  test('a read-only connection stays one', async () => {
    await using reader = await connectLibvirt(uri('&no_verify=1'), { readonly: true });
    expect((await refusal(reader.defineDomain(domainXml('no')))).message).toMatch(/read only|forbidden/);
  });

  test('a login that breaks off in the middle of a transfer ends it, and closing ends the login', async () => {
    const remote = await connectLibvirt(uri('&no_verify=1'));
    const volume = await (await remote.findPool('p1'))?.createVolume(volumeXml('cut.raw', 64 * mib));
    const download = volume?.download();
    expect((await download?.next())?.done).toBe(false);
    await expect.poll(() => server.logins()).toHaveLength(1); // those of earlier connections are gone
    for (const pid of await server.logins()) process.kill(pid, 'SIGKILL');
    await lost(digest(download ?? bytes(0, Buffer.alloc(0))));
    await remote.close();
    {
      await using again = await connectLibvirt(uri('&no_verify=1'));
      await (await again.findVolumeByPath(join(scene.daemon.folder, 'p1', 'cut.raw')))?.delete();
    }
    await expect.poll(() => server.logins(), { timeout: 10_000 }).toEqual([]);
  });
});

test('a session daemon that does not run is started', async () => {
  await using home = await mkdtempDisposable(join(tmpdir(), 'home-'));
  await chown(home.path, nobody, nobody); // root has no session
  const asNobody = `setpriv --reuid=${nobody} --regid=${nobody} --clear-groups`;
  const helper = `#!/bin/sh\nexec ${asNobody} /usr/bin/virt-ssh-helper "$@"\n`;
  await writeFile(join(home.path, 'virt-ssh-helper'), helper, { mode: 0o755 });
  vi.stubEnv('PATH', `${home.path}:${process.env.PATH}`);
  for (const name of ['XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'HOME']) {
    vi.stubEnv(name, home.path);
  }
  {
    await using session = await connectLibvirt('qemu:///session', { connectTimeoutMs: 60_000 });
    expect(await session.listDomains()).toEqual([]);
  }
  const pid = Number(await readFile(join(home.path, 'libvirt', 'libvirtd.pid'), 'utf8'));
  try {
    vi.stubEnv('PATH', '/nowhere'); // now its socket is there: no helper is needed
    await using again = await connectLibvirt('qemu:///session');
    expect(await again.listPools()).toEqual([]);
  } finally {
    process.kill(pid, 'SIGTERM');
  }
  const gone = async () => ((await stat(`/proc/${pid}`).catch(() => undefined)) ? undefined : true);
  expect(await waitFor(gone, { timeoutMs: 10_000 })).toBe(true);
});

/** A connection to the scene's daemon once it runs again. */
async function connectAgain(): Promise<Libvirt> {
  const connected = await waitFor(() => connectLibvirt(scene.daemon.uri).catch(() => undefined), {
    timeoutMs: 30_000,
  });
  return connected ?? expect.unreachable('the daemon does not come back');
}

/** What ended the connection. */
async function lost(work: Promise<unknown>): Promise<ConnectionLostError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectionLostError);
  return error as ConnectionLostError;
}

async function libvirtdOf({ daemon }: LibvirtScene): Promise<number> {
  const pid = await waitFor(async () => (await childrenNamed(daemon.pid, 'libvirtd'))[0], {
    timeoutMs: 20_000,
  });
  return pid ?? expect.unreachable('there is no libvirtd');
}

test('closing ends what is under way, each with its own error, and does not bring libvirtd down', async () => {
  const pid = await libvirtdOf(scene);
  for (let round = 0; round < 20; round += 1) await closeInTheMiddle(`open-${round}.raw`);
  expect(await libvirtdOf(scene)).toBe(pid);
});

/** Closes a connection while transfers, calls and a reader of events are under way on it. */
async function closeInTheMiddle(name: string): Promise<void> {
  const other = await connectLibvirt(scene.daemon.uri);
  const pool = (await other.findPool('p1')) ?? expect.unreachable();
  const [written, read] = await Promise.all(
    ['to', 'from'].map((way) => pool.createVolume(volumeXml(`${way}-${name}`, 64 * mib))),
  );
  async function* hanging() {
    yield randomBytes(mib);
    await new Promise(() => {});
  }
  const download = read?.download() ?? expect.unreachable();
  await download.next();
  using events = await other.events('lifecycle');
  const calls = Promise.allSettled(Array.from({ length: 20 }, () => other.domainCapabilities()));
  const transfers = Promise.allSettled([
    written?.upload(hanging()),
    digest(download),
    events[Symbol.asyncIterator]().next(),
  ]);
  await other.close();
  for (const outcome of await transfers) {
    expect(outcome).toMatchObject({ reason: { message: expect.stringContaining('closed on this side') } });
  }
  for (const outcome of await calls) {
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ConnectionLostError);
  }
  await Promise.all([written, read].map((volume) => deleteByName(volume?.name ?? '')));
}

async function deleteByName(name: string): Promise<void> {
  await (await scene.pool.findVolume(name))?.delete();
}

test('a daemon that hangs is given up call by call, and serves again when it wakes', async () => {
  await using other = await connectLibvirt(scene.daemon.uri, { callTimeoutMs: 300 });
  const pid = await libvirtdOf(scene);
  process.kill(pid, 'SIGSTOP');
  try {
    await expect(other.hostname()).rejects.toThrow(CallTimeoutError);
    await expect(connectLibvirt(scene.daemon.uri, { connectTimeoutMs: 300 })).rejects.toThrow(
      CallTimeoutError,
    );
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await using patient = await connectLibvirt(scene.daemon.uri);
  expect(await patient.hostname()).toBe(await other.hostname());
});

test('a daemon that dies ends what is under way; the next one knows the guests, which ran on', async () => {
  const before = await connectLibvirt(scene.daemon.uri);
  const vm = await before.defineDomain(domainXml('survivor'));
  await vm.start();
  using events = await before.events('lifecycle');
  const next = lost(events[Symbol.asyncIterator]().next());
  process.kill(await libvirtdOf(scene), 'SIGKILL');
  expect((await next).message).toMatch(/was lost/);
  await lost(vm.state());
  await before.close();

  const after = await connectAgain();
  const survivor = await after.findDomain('survivor');
  expect((await survivor?.state())?.state).toBe('running');
  await survivor?.suspend(); // waits for the new daemon to reach the guest; destroy does not (libvirt 9.0)
  expect(await scene.virsh('domstate', 'survivor')).toBe('paused');
  await survivor?.destroy();
  await survivor?.undefine();
  await after.close();
});

/** How a user without rights fares with the scene's daemon. */
async function asNobody(): Promise<{ name: string; message: string; hints: string[] }> {
  const client = new URL('../../src/clients/libvirt/index.ts', import.meta.url);
  const program = `const { connectLibvirt } = await import('${client}');
    process.setgroups([]); process.setgid(${nobody}); process.setuid(${nobody});
    const error = await connectLibvirt('${scene.daemon.uri}').catch((error) => error);
    console.log(JSON.stringify({ name: error.name, message: error.message, hints: error.hints }));`;
  return JSON.parse((await run([process.execPath, '--input-type=module', '-e', program])).stdout);
}

test('a user who may not is told so, whether the socket says it or polkit', async () => {
  const folders = ['', 'root', 'root/run', 'root/run/libvirt', 'root/etc/libvirt/libvirtd.conf'];
  const paths = folders.map((name) => join(scene.daemon.folder, name));
  for (const path of paths.slice(0, -1)) await chmod(path, 0o755);
  const forbidden = await asNobody();
  expect(forbidden).toMatchObject({ name: 'ConnectionLostError' });
  expect(forbidden.message).toContain('permission denied');
  expect(forbidden.hints.join()).toContain('group libvirt');

  const file = paths.at(-1) as string;
  const settings = { unix_sock_rw_perms: '0777', auth_unix_rw: 'polkit' };
  const kept = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => !/^(unix_sock|auth_unix)_rw/.test(line));
  const added = Object.entries(settings).map(([name, value]) => `${name} = "${value}"`);
  await writeFile(file, [...kept, ...added, ''].join('\n'));
  process.kill(await libvirtdOf(scene), 'SIGKILL');
  await (await connectAgain()).close(); // root needs no polkit
  const refused = await asNobody();
  expect(refused).toMatchObject({ name: 'ConnectionLostError' });
  expect(refused.message).toContain('refuses this user');
  expect(refused.hints.join()).toContain('group libvirt');
});
