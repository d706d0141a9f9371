import { existsSync } from 'node:fs';
import { chmod, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  CallTimeoutError,
  ConnectionLostError,
  connectLibvirt,
  LibvirtError,
} from '../../../../src/clients/libvirt/index.ts';
import { UserError } from '../../../../src/platform/errors.ts';
import { errorBody, friendly, type Script, startPeer, text, wire, word } from './scripted-peer.ts';

/** A libvirtd that asks for polkit and answers it with `status`. */
const polkit = (answer: Script): Script => {
  const rest = friendly();
  return (message, peer) => {
    if (message.procedure === wire.authList) peer.reply(message, word(1, 2));
    else if (message.procedure === wire.authPolkit) answer(message, peer);
    else rest(message, peer);
  };
};
const failure = async (work: Promise<unknown>): Promise<Error> =>
  await work.then(
    () => expect.unreachable('it should have failed'),
    (error: Error) => error,
  );

test('the daemon is asked to open the URI without the way to it', async () => {
  await using peer = await startPeer(friendly());
  await using libvirt = await connectLibvirt(peer.uri);
  expect(libvirt.uri).toBe(peer.uri);
  const open = peer.connections[0]?.heard.find(({ procedure }) => procedure === wire.connectOpen);
  expect(open?.body).toEqual(Buffer.concat([word(1), text('qemu:///system'), word(0)]));
});

test('closing says goodbye', async () => {
  await using peer = await startPeer(friendly());
  await (await connectLibvirt(peer.uri)).close();
  expect(peer.connections[0]?.heard.at(-1)?.procedure).toBe(wire.connectClose);
});

test('a socket that is not there is named, with what to do', async () => {
  const error = await failure(connectLibvirt('qemu:///system?socket=/nowhere/sock'));
  expect(error).toBeInstanceOf(ConnectionLostError);
  expect(error.message).toContain('/nowhere/sock: no such socket');
  expect((error as ConnectionLostError).hints.join()).toContain('systemctl start libvirtd');
});

test('polkit lets in', async () => {
  await using peer = await startPeer(polkit((message, to) => to.reply(message, word(1))));
  await using libvirt = await connectLibvirt(peer.uri);
  expect(libvirt.uri).toBe(peer.uri);
});

test.each([
  ['that refuses', 45, 'authentication failed: no agent'],
  ['that is not there', 1, 'internal error: Unable to get system bus connection'],
])('polkit %s is explained: root or the group libvirt', async (_, code, words) => {
  const refuse: Script = (message, to) => to.reply(message, errorBody(code, 7, words), wire.error);
  await using peer = await startPeer(polkit(refuse));
  const error = await failure(connectLibvirt(peer.uri));
  expect(error).toBeInstanceOf(ConnectionLostError);
  expect(error.message).toContain(words);
  expect((error as ConnectionLostError).hints.join()).toMatch(/group libvirt.*root/);
});

test('a login that we do not know is refused', async () => {
  await using peer = await startPeer((message, to) => to.reply(message, word(1, 1)));
  await expect(connectLibvirt(peer.uri)).rejects.toThrow('asks for a login');
  await expect.poll(() => peer.connections[0]?.socket.destroyed).toBe(true);
});

test('a driver that the daemon lacks is a LibvirtError', async () => {
  const rest = friendly();
  await using peer = await startPeer((message, to) => {
    if (message.procedure === wire.connectOpen) to.reply(message, errorBody(5, 0, 'no driver'), wire.error);
    else rest(message, to);
  });
  const error = await failure(connectLibvirt(peer.uri));
  expect(error).toBeInstanceOf(LibvirtError);
  expect(error).toMatchObject({ libvirtCode: 5, libvirtDomain: 0, int1: 7 });
  expect(error.message).toBe("no driver (connectOpen of 'qemu:///system')");
});

test('a daemon that accepts and stays silent is not waited for longer than asked', async () => {
  await using peer = await startPeer(() => {});
  await expect(connectLibvirt(peer.uri, { connectTimeoutMs: 50 })).rejects.toThrow('within 0.05 s');
});

test('a signal ends the connecting with its reason', async () => {
  await using peer = await startPeer(() => {});
  const giveUp = new AbortController();
  const work = connectLibvirt(peer.uri, { signal: giveUp.signal });
  setTimeout(() => giveUp.abort(new Error('changed my mind')), 20);
  await expect(work).rejects.toThrow('changed my mind');
  await expect(connectLibvirt(peer.uri, { signal: giveUp.signal })).rejects.toThrow('changed my mind');
});

test.each([
  ['qemu', 'not of the form'],
  ['qemu+libssh2://host/system', 'transport libssh2'],
  ['qemu://host/system', 'transport tls'],
  ['qemu+ssh:///system', 'names no host'],
  ['qemu:///', 'names no instance'],
  ['qemu+ssh://host/system?socket=/run/sock', 'parameter socket'],
  ['qemu+ssh://host/system?netcat=nc', 'parameter netcat'],
  ['qemu+ssh://50%@host/system', "'50%' has a %"],
])('the URI %s is refused', async (uri, why) => {
  const error = await failure(connectLibvirt(uri));
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toContain(why);
});

/** Programs of the test's own, first on PATH: what starts other programs is what we test here. */
let programs: Awaited<ReturnType<typeof mkdtempDisposable>>;
beforeEach(async () => {
  programs = await mkdtempDisposable(join(tmpdir(), 'path-'));
  vi.stubEnv('PATH', `${programs.path}:${process.env.PATH}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await programs[Symbol.asyncDispose]();
});
async function program(name: string, script: string): Promise<void> {
  await writeFile(join(programs.path, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(programs.path, name), 0o755);
}
/** A program that connects its stdin and stdout with the socket, as virt-ssh-helper does. */
const relay = (socketPath: string) =>
  `exec '${process.execPath}' -e 'const s=require("net").connect("${socketPath}");process.stdin.pipe(s).pipe(process.stdout)'`;

test('ssh is called with user, port and key, and its streams carry the protocol', async () => {
  await using peer = await startPeer(friendly((message, to) => to.reply(message, text('far-away'))));
  const argv = join(programs.path, 'argv');
  const pid = join(programs.path, 'pid');
  await program('ssh', `printf '%s\\n' "$@" > '${argv}'; echo $$ > '${pid}'; ${relay(peer.socketPath)}`);
  {
    await using libvirt = await connectLibvirt('qemu+ssh://j%5Coe@[::1]:2222/system?keyfile=/k&no_verify=1');
    expect(await libvirt.hostname()).toBe('far-away');
  }
  const process = `/proc/${(await readFile(pid, 'utf8')).trim()}`;
  await expect.poll(() => existsSync(process)).toBe(false);
  const words = (await readFile(argv, 'utf8')).trim().split('\n');
  expect(words.slice(words.indexOf('--'))).toEqual(['--', '::1', 'virt-ssh-helper', "'qemu:///system'"]);
  expect(words.join(' ')).toContain('-i /k -p 2222 -l j\\oe');
  expect(words).toContain('BatchMode=yes');
});

test('a read-only connection asks the helper for the read-only socket', async () => {
  await using peer = await startPeer(friendly());
  const argv = join(programs.path, 'argv');
  await program('ssh', `echo "$*" > '${argv}'; ${relay(peer.socketPath)}`);
  await using libvirt = await connectLibvirt('qemu+ssh://host/system', { readonly: true });
  expect(libvirt.uri).toBe('qemu+ssh://host/system');
  expect(await readFile(argv, 'utf8')).toMatch(/ virt-ssh-helper -r 'qemu:\/\/\/system'\n$/);
});

test('what ssh complains about is the reason', async () => {
  await program('ssh', 'echo "Permission denied (publickey)." >&2; exit 255');
  const error = await failure(connectLibvirt('qemu+ssh://host/system'));
  expect(error).toBeInstanceOf(ConnectionLostError);
  expect(error.message).toMatch(/^ssh .*: Permission denied \(publickey\)\.$/);
  expect((error as ConnectionLostError).hints.join()).toContain('by hand');
});

test('ssh that hears us no more is let to say why', async () => {
  await program('ssh', 'exec 0<&-; sleep 0.1; echo "Host key verification failed." >&2; exit 255');
  await expect(connectLibvirt('qemu+ssh://host/system')).rejects.toThrow('Host key verification failed.');
});

test('ssh that dies while we wait for an answer ends the wait', async () => {
  await program('ssh', 'echo "Connection reset by far-away" >&2; sleep 0.05; exit 255');
  await expect(connectLibvirt('qemu+ssh://host/system')).rejects.toThrow('Connection reset by far-away');
});

test('ssh that leaves a process behind on its stderr is not waited for', async () => {
  const pid = join(programs.path, 'pid');
  await program('ssh', `sleep 60 & echo $! > '${pid}'; echo "mux: connection refused" >&2; exit 255`);
  await using _left = {
    [Symbol.asyncDispose]: async () => void process.kill(Number(await readFile(pid, 'utf8'))),
  };
  await expect(connectLibvirt('qemu+ssh://host/system')).rejects.toThrow('mux: connection refused');
});

test('ssh that gets no answer from its host is given up and ended', async () => {
  const pid = join(programs.path, 'pid');
  await program('ssh', `echo $$ > '${pid}'; exec sleep 60`);
  const error = await failure(connectLibvirt('qemu+ssh://host/system', { connectTimeoutMs: 2_000 }));
  expect(error).toBeInstanceOf(CallTimeoutError);
  expect((error as CallTimeoutError).hints).toEqual(['try ssh to that host by hand']);
  await expect.poll(async () => existsSync(`/proc/${(await readFile(pid, 'utf8')).trim()}`)).toBe(false);
});

test('ssh that is not installed is said', async () => {
  vi.stubEnv('PATH', programs.path);
  await expect(connectLibvirt('qemu+ssh://host/system')).rejects.toThrow(/ssh.*ENOENT/);
});

test('a session whose daemon does not run is reached through the helper, which starts it', async () => {
  await using peer = await startPeer(friendly((message, to) => to.reply(message, text('at-home'))));
  vi.stubEnv('XDG_RUNTIME_DIR', programs.path);
  await program('virt-ssh-helper', `[ "$*" = qemu:///session ] || exit 9; ${relay(peer.socketPath)}`);
  await using libvirt = await connectLibvirt('qemu:///session');
  expect(await libvirt.hostname()).toBe('at-home');
});
