import { chmod, mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { stringify } from 'yaml';
import { type DirectorBosh, directorBosh } from '../../../../src/environment/director/index.ts';
import { environmentPaths } from '../../../../src/environment/paths.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { recordWith } from '../../../support/environment-record.ts';

export const store = {
  admin_password: 'the-admins-secret',
  director_ssl: { ca: 'CA of the director\n', certificate: 'C', private_key: 'K' },
  uaa_ssl: { ca: 'CA of the UAA\n' },
  credhub_tls: { ca: 'CA of CredHub\n' },
  credhub_admin_client_secret: 'the-credhub-secret',
};

/**
 * The environment `work` with a director, and a program `bosh` in sh, alone on PATH besides the system's own. `script` has $dir
 * for the folder; the words of each call are a line of `calls`, its environment is in `env`. Undo with vi.unstubAllEnvs.
 */
export async function scriptedDirector(script: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt director '));
  const dir = folder.path;
  vi.stubEnv('XDG_DATA_HOME', dir);
  vi.stubEnv('PATH', `${dir}/bin:/usr/bin:/bin`);
  const text = `#!/bin/sh
dir='${dir}'
[ "$1" = --version ] && { echo "version 7.9.9-abc-2026-01-01T00:00:00Z"; exit 0; }
echo "$@" >> "$dir/calls"
env > "$dir/env"
${script}
`;
  await mkdir(join(dir, 'bin'));
  await writeFile(join(dir, 'bin/bosh'), text);
  await chmod(join(dir, 'bin/bosh'), 0o755);
  const record = recordWith({ profile: 'lite' });
  await mkdir(environmentPaths(record.name).work, { recursive: true });
  await writeFile(environmentPaths(record.name).credentials, stringify(store));
  const signal = new AbortController().signal;
  return {
    record,
    bosh: async (): Promise<DirectorBosh> => await directorBosh(record, { log: silentLog, signal }),
    path: (name: string) => join(dir, name),
    read: async (name: string) => await readFile(join(dir, name), 'utf8'),
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}
