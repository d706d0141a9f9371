import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { packageRoot } from '../../platform/package-root.ts';
import { layout } from './layout.ts';

const templates = (): string => join(packageRoot(), 'templates', 'private-host');
const daemonFile = 'libvirtd.conf';

/** Writes what libvirt inside reads as /etc/libvirt. The host keeps its UUID over all starts. */
export async function writeConfiguration(dir: string): Promise<void> {
  const { libvirtConfig, uuid: uuidPath } = layout(dir);
  const uuid = ((await readTextIfThere(uuidPath)) ?? '') || randomUUID();
  await writeFileAtomic(uuidPath, uuid);
  await mkdir(libvirtConfig, { recursive: true, mode: 0o700 });
  for (const name of await readdir(templates())) {
    const text = await readFile(join(templates(), name), 'utf8');
    await writeFileAtomic(join(libvirtConfig, name), text.replace('{{uuid}}', uuid));
  }
}

/** libvirt's drivers whose guests may live on a private host: those that have a configuration in the templates. */
export async function hostedDrivers(): Promise<string[]> {
  const files = (await readdir(templates())).filter((name) => name !== daemonFile);
  return files.map((name) => name.replace(/\.conf$/, ''));
}
