import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { privateHostNames } from '../../src/host/private-host/index.ts';
import { run } from '../../src/platform/process.ts';
import { cgroupsNamed } from './traces.ts';

/**
 * What a person's boshvirt has on this machine, looked up without it: compare before and after. Only traces that lead to
 * `home` count, so that others may work here at the same time.
 */
export interface HostTraces {
  /** Command lines of processes that name the home folder, have it as HOME, or see it in their mounts. */
  readonly processes: readonly string[];
  readonly networkNamespaces: readonly string[];
  readonly controlGroups: readonly string[];
  readonly mounts: readonly string[];
  readonly loopDevices: readonly string[];
  /** Files below the home folder, without the cache, which is there to stay. */
  readonly files: readonly string[];
  /** Domains, networks and storage pools of the machine's own libvirt, if it has one. */
  readonly libvirt: readonly string[];
}

export async function hostTraces(home: string): Promise<HostTraces> {
  const [processes, networkNamespaces, controlGroups, mounts, loopDevices, files, libvirt] =
    await Promise.all([
      processesOf(home),
      namespacesOf(home),
      cgroupsNamed(namesOf(home).cgroup),
      readFile('/proc/self/mountinfo', 'utf8').then((text) => linesWith(text, home)),
      run(['losetup', '--all']).then(({ stdout }) => linesWith(stdout, home)),
      filesBelow(home),
      systemLibvirt(),
    ]);
  return { processes, networkNamespaces, controlGroups, mounts, loopDevices, files, libvirt };
}

async function processesOf(home: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => commandIfOf(pid, home)));
  return found.filter((command) => command !== undefined).sort();
}

async function commandIfOf(pid: string, home: string): Promise<string | undefined> {
  const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const [command, environment, mounts] = await Promise.all([
    read('cmdline'),
    read('environ'),
    read('mountinfo'),
  ]);
  const isOurs =
    command.includes(home) || environment.split('\0').includes(`HOME=${home}`) || mounts.includes(home);
  return isOurs && Number(pid) !== process.pid ? command.replaceAll('\0', ' ').trim() : undefined;
}

const namesOf = (home: string) => privateHostNames(join(home, '.local/share/boshvirt/host'));

async function namespacesOf(home: string): Promise<string[]> {
  const { netnsName } = namesOf(home);
  const { stdout } = await run(['ip', 'netns', 'list']);
  return stdout
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name === netnsName);
}

async function filesBelow(home: string): Promise<string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(home.length + 1))
    .filter((path) => !path.startsWith('.cache/'))
    .sort();
}

async function systemLibvirt(): Promise<string[]> {
  const lists = await Promise.all(
    (['list', 'net-list', 'pool-list'] as const).map((list) =>
      run(['virsh', '-c', 'qemu:///system', list, '--all', '--name'], { okExitCodes: [1] }),
    ),
  );
  return lists.flatMap(({ stdout }) => stdout.split('\n').filter(Boolean));
}

const linesWith = (text: string, part: string): string[] =>
  text.split('\n').filter((line) => line.includes(part));
