import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPipe, run, which } from '../../src/platform/process.ts';

/** A real ssh server (dropbear) beside a private libvirt host, and the machine's own ssh led to it. */
export interface SshServer extends AsyncDisposable {
  /** host:port, inside the host's network namespace. */
  readonly address: string;
  readonly keyfile: string;
  /** A folder with a program `ssh`, to stand first on PATH: the real one, without this user's configuration. */
  readonly programs: string;
  /** The server's processes for one login each. */
  logins(): Promise<number[]>;
}

/**
 * Lets root in with a key of its own; neither /root nor a port of the machine is touched. `pid`: in the host's namespaces;
 * `client`: in those that the programs come from, the same unless said.
 */
export async function startSshServer(
  pid: number,
  address = '127.0.0.1:2222',
  client = pid,
): Promise<SshServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ssh-'));
  const [home, keyfile, hostKey] = ['home', 'key', 'host-key'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', keyfile]);
  await writeFile(join(home, '.ssh', 'authorized_keys'), await readFile(`${keyfile}.pub`), { mode: 0o600 });
  await run(['dropbearkey', '-t', 'ed25519', '-f', hostKey]);
  const programs = join(folder, 'programs');
  await mkdir(programs);
  const known = `-F none -o UserKnownHostsFile='${join(folder, 'known')}' -o GlobalKnownHostsFile=none`;
  const ssh = `exec nsenter --net -t ${client} '${await which('ssh')}' ${known} "$@"`;
  await writeFile(join(programs, 'ssh'), `#!/bin/sh\n${ssh}\n`);
  await chmod(join(programs, 'ssh'), 0o755);

  const serve = `mount --bind '${home}' /root && exec dropbear -F -E -s -p ${address} -r '${hostKey}' -P ''`;
  const server = openPipe(['nsenter', '-m', '-n', '-t', `${pid}`, 'unshare', '-m', 'sh', '-c', serve]);
  const ended = once(server, 'exit');
  await Promise.race([once(server.stderr, 'data'), ended]); // it says when it listens
  server.stderr.resume();
  return {
    address,
    keyfile,
    programs,
    async logins() {
      const text = await readFile(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
      return text.trim().split(' ').filter(Boolean).map(Number);
    },
    async [Symbol.asyncDispose]() {
      server.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
