import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, messageOf } from '../../platform/errors.ts';
import { isThere } from '../../platform/files.ts';
import type { Log } from '../../platform/log.ts';
import { waitFor } from '../../platform/retry.ts';

const root = '/sys/fs/cgroup';
/** What libvirt wants of v2's tree to limit a container by. */
const controllers = ['memory', 'cpu', 'cpuset', 'io', 'pids'];
const removalMs = 5_000;

/**
 * Makes the host's control group in each hierarchy, for its first process to enter: containers are limited below it, and
 * nothing of theirs lies elsewhere. Where that cannot be (trees that are read-only in a container), the host does without.
 */
export async function makeCgroups(name: string, log: Log): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const group = join(hierarchy, name);
    try {
      if (hierarchy === root) await offerControllers();
      await mkdir(group, { recursive: true });
      if (hierarchy !== root) await inheritProcessors(group);
    } catch (error) {
      log.info(`no control group ${group}: ${messageOf(error)}`);
    }
  }
}

/** Removes them with all that is in them, once their processes are gone. Idempotent. Gives up on a group that stays busy. */
export async function removeCgroups(name: string, log: Log): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const group = join(hierarchy, name);
    const gone = await waitFor(async () => ((await removeTree(group)) ? true : undefined), {
      timeoutMs: removalMs,
      intervalMs: 20,
    });
    if (!gone) log.warn(`the control group ${group} stays: processes are in it`);
  }
}

/** v2's one tree, or v1's, one for each controller, with v2's beside them perhaps. */
async function hierarchies(): Promise<string[]> {
  if (await isThere(join(root, 'cgroup.controllers'))) return [root];
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()); // without links: cpu → cpu,cpuacct
  return folders.map((entry) => join(root, entry.name));
}

/** A group of v2 has the controllers that the one above it hands on; systemd hands on most of them. */
async function offerControllers(): Promise<void> {
  const file = join(root, 'cgroup.subtree_control');
  const offered = (await readFile(file, 'utf8')).split(/\s+/);
  for (const controller of controllers.filter((each) => !offered.includes(each)))
    await writeFile(file, `+${controller}`).catch(() => {}); // one that this kernel lacks or somebody else keeps
}

/** v1's cpuset lets no process into a group that has no processors yet. */
async function inheritProcessors(group: string): Promise<void> {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const file = join(group, name);
    if (await isThere(file)) await writeFile(file, await readFile(join(dirname(group), name)));
  }
}

/** true if it is gone. */
async function removeTree(group: string): Promise<boolean> {
  try {
    const entries = await readdir(group, { withFileTypes: true });
    for (const entry of entries) if (entry.isDirectory()) await removeTree(join(group, entry.name));
    await rmdir(group);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    if (errnoOf(error) === 'EBUSY') return false;
    throw error;
  }
}
