import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findPrivateHost, privateHostNames, removePrivateHost } from '../../host/private-host/index.ts';
import { messageOf } from '../../platform/errors.ts';
import { isThere } from '../../platform/files.ts';
import type { Log } from '../../platform/log.ts';
import { run } from '../../platform/process.ts';
import { privateHostFolder } from '../paths.ts';
import { environmentsOnPrivateHost } from '../record.ts';
import { whileNoneComesOrGoes } from '../register.ts';
import type { Finding, Outcome } from './finding.ts';

/** The private libvirt host, if no environment lives on it any more: a killed `down` may leave it, or lost records. */
export async function idleHost(): Promise<Finding | undefined> {
  const folder = privateHostFolder();
  const isLeft = (await isThere(folder)) || (await isThere(privateHostNames(folder).netnsPath));
  if (!isLeft || (await environmentsOnPrivateHost()).length > 0) return undefined;
  const runs = (await findPrivateHost(folder)) !== undefined;
  return {
    kind: 'host',
    name: folder,
    environment: undefined,
    why: 'no environment lives on this private libvirt host',
    bytesOnDisk: runs ? 0 : await sizeOf(folder), // what is on one that runs is told of by itself
    holdsData: await holdsDisks(folder),
  };
}

/** Ends and deletes it, if it is idle still. */
export async function removeIdleHost(finding: Finding, withDisks: boolean, log: Log): Promise<Outcome> {
  return await whileNoneComesOrGoes('boshvirt prune', async () => {
    const found = await idleHost();
    if (!found) return { finding, kept: 'it is gone, or in use by now' };
    if (found.holdsData && !withDisks) return { finding, kept: 'there are persistent disks on it' };
    try {
      await removePrivateHost(finding.name, { log });
      return { finding, kept: undefined };
    } catch (error) {
      return { finding, kept: messageOf(error) };
    }
  });
}

async function sizeOf(folder: string): Promise<number> {
  if (!(await isThere(folder))) return 0;
  const { stdout } = await run(['du', '-sk', folder]);
  return Number(stdout.split('\t')[0]) * 1024;
}

async function holdsDisks(folder: string): Promise<boolean> {
  const files = await readdir(join(folder, 'pools'), { recursive: true }).catch(() => []);
  return files.some((file) => /(^|\/)(disk|snap)-/.test(file) && !file.endsWith('.json'));
}
