import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { packageRoot } from '../../platform/package-root.ts';
import { layout } from './layout.ts';

/** Writes what libvirt inside reads as /etc/libvirt. The host keeps its UUID over all starts. */
export async function writeConfiguration(dir: string): Promise<void> {
  const { libvirtConfig, uuid: uuidPath } = layout(dir);
  const uuid = ((await readTextIfThere(uuidPath)) ?? '') || randomUUID();
  await writeFileAtomic(uuidPath, uuid);
  await mkdir(libvirtConfig, { recursive: true, mode: 0o700 });
  const templates = join(packageRoot(), 'templates', 'private-host');
  for (const name of ['libvirtd.conf', 'qemu.conf']) {
    const text = await readFile(join(templates, name), 'utf8');
    await writeFileAtomic(join(libvirtConfig, name), text.replace('{{uuid}}', uuid));
  }
}
