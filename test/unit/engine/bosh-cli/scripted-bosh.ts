import { chmod, mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoshCliEngine } from '../../../../src/engine/bosh-cli/index.ts';
import type { DeploySource, EngineContext } from '../../../../src/engine/engine.ts';
import { silentLog } from '../../../../src/platform/log.ts';

/** A folder with a program in bosh's place, and an engine that starts it. */
export type ScriptedBosh = Awaited<ReturnType<typeof scriptedBosh>>;

/**
 * `script` is what the program does for create-env and delete-env, in sh, with $dir for its folder. Its arguments are in
 * `argv`, one a line, and its environment in `env`.
 */
export async function scriptedBosh(script: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt scripted '));
  const dir = folder.path;
  const boshPath = join(dir, 'bosh');
  await writeFile(
    boshPath,
    `#!/bin/sh
dir='${dir}'
[ "$1" = --version ] && { echo "version 7.9.9-abc-2026-01-01T00:00:00Z"; echo; echo Succeeded; exit 0; }
printf '%s\\n' "$@" > "$dir/argv"
env > "$dir/env"
${script}
`,
  );
  await chmod(boshPath, 0o755);
  await mkdir(join(dir, 'work'), { mode: 0o700 });
  const source: DeploySource = {
    manifestPath: join(dir, 'the manifest.yml'),
    opsFiles: [join(dir, 'a.yml'), join(dir, 'b.yml')],
    vars: { internal_ip: '10.9.8.7', vm_cpus: 2 },
    varsFiles: [join(dir, 'mine.yml')],
    statePath: join(dir, 'state.json'),
    varsStorePath: join(dir, 'creds.yml'),
  };
  await writeFile(join(dir, 'mine.yml'), 'registry_password: hunter22\ninternal_ip: 10.0.0.1\n');
  const interrupt = new AbortController();
  const progress: string[] = [];
  const context: EngineContext = {
    log: silentLog,
    signal: interrupt.signal,
    workDir: join(dir, 'work'),
    logPath: join(dir, 'log'),
    boshvirtCommand: ['/opt/boshvirt'],
    road: {
      commandPrefix: ['env', 'BY_THE_ROAD=yes'],
      dial: async () => await Promise.reject(new Error('the bosh-cli engine opens no connection')),
    },
    onProgress: (line) => progress.push(line),
  };
  return {
    source,
    context,
    progress,
    interrupt,
    engine: new BoshCliEngine({ boshPath }),
    path: (name: string) => join(dir, name),
    read: async (name: string) => await readFile(join(dir, name), 'utf8'),
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}
