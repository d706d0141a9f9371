import { createHash } from 'node:crypto';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { AgentClient } from '../../../src/engine/agent-client/index.ts';
import { BuiltinEngine } from '../../../src/engine/builtin/index.ts';
import type { DeploySource, EngineContext } from '../../../src/engine/engine.ts';
import { isMap, type NodeMap, renderManifest, writeYaml } from '../../../src/engine/template/index.ts';
import { guestRoad } from '../../../src/host/forward.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { run } from '../../../src/platform/process.ts';
import type { BoshFlags } from './bosh-flags.ts';
import { bundledDirector } from './bundled-director.ts';

/** In its own network namespace already, as bosh is. */
const road = guestRoad(undefined);
/** The program may not hold the persistent disk, on which it keeps what it was told. */
const folder = '/var/vcap/data/director';
const memory = '/var/vcap/store/director';
const logs = '/var/vcap/sys/log/director';

export async function createEnv(manifestPath: string, flags: BoshFlags): Promise<void> {
  const { manifest, text } = await render(manifestPath, flags);
  await requireReleases(manifest);
  const source = await withoutJobs(manifest, text, flags);
  const { changed } = await new BuiltinEngine().createEnv(source, await contextOf(manifest), {
    recreate: flags.recreate ?? false,
  });
  if (changed) await startDirector(manifest, flags);
  else say('No deployment, stemcell or release changes. Skipping deploy.');
}

export async function deleteEnv(manifestPath: string, flags: BoshFlags): Promise<void> {
  const { manifest, text } = await render(manifestPath, flags);
  await new BuiltinEngine().deleteEnv(await withoutJobs(manifest, text, flags), await contextOf(manifest));
}

async function render(manifestPath: string, flags: BoshFlags) {
  return await renderManifest({
    manifestPath,
    opsFiles: flags['ops-file'],
    vars: {},
    varsFiles: flags['vars-file'],
    varsStorePath: flags['vars-store'],
  });
}

/** bosh downloads what its cache lacks; this one has no network. */
async function requireReleases(manifest: NodeMap): Promise<void> {
  for (const { name, url, sha1 } of mapsIn(manifest.releases)) {
    step(`Validating release '${String(name)}'`);
    const address = String(url);
    const place = address.startsWith('file://')
      ? address.slice('file://'.length)
      : join(
          homedir(),
          '.bosh/downloads',
          `${createHash('sha1').update(address).digest('hex')}-${String(sha1)}`,
        );
    await access(place).catch(() => {
      throw new Error(`Downloading release '${String(name)}': there is no ${place}`);
    });
  }
}

/** The built-in engine has no place for jobs; a change of them changes the manifest all the same. */
async function withoutJobs(manifest: NodeMap, text: string, flags: BoshFlags): Promise<DeploySource> {
  const groups = mapsIn(manifest.instance_groups).map(({ jobs: _, properties: __, ...group }) => ({
    ...group,
    jobs: [],
  }));
  const stripped = { ...manifest, releases: [], instance_groups: groups, original: digest(text) };
  const manifestPath = join(homedir(), 'without-jobs.yml');
  await writeFile(manifestPath, writeYaml(stripped), { mode: 0o600 });
  return {
    manifestPath,
    opsFiles: [],
    vars: {},
    varsFiles: [],
    statePath: flags.state,
    varsStorePath: flags['vars-store'],
  };
}

async function contextOf(manifest: NodeMap): Promise<EngineContext> {
  const workDir = join(homedir(), 'stand-in');
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  const { properties } = manifest.cloud_provider as { properties: { boshvirt: { command: string } } };
  const interrupt = new AbortController();
  process.once('SIGTERM', () => interrupt.abort(new Error('ended')));
  return {
    log: silentLog,
    signal: interrupt.signal,
    workDir,
    logPath: join(workDir, 'log'),
    boshvirtCommand: [properties.boshvirt.command],
    road,
    onProgress: step,
  };
}

/** What the jobs would do: the director runs, and its key opens jumpbox. */
async function startDirector(manifest: NodeMap, flags: BoshFlags): Promise<void> {
  step('Starting the director');
  const store = parse(await readFile(flags['vars-store'], 'utf8'));
  const [{ properties }] = mapsIn(manifest.instance_groups) as [NodeMap];
  const { director } = properties as {
    director: { name: string; ssl: { cert: string; key: string } };
  };
  const options = {
    ...{ host: '0.0.0.0', port: 25555, folder: memory, name: director.name },
    ...{ certificate: director.ssl.cert, key: director.ssl.key, password: store.admin_password },
  };
  const provider = manifest.cloud_provider as { mbus: string; cert: { ca: string } };
  const agent = new AgentClient({ mbus: provider.mbus, ca: provider.cert.ca, road, log: silentLog });
  await agent.setUpSsh('jumpbox', store.jumpbox_ssh.public_key);
  const ssh = await sshTo(new URL(provider.mbus).hostname, store.jumpbox_ssh.private_key);
  await ssh(
    `sudo mkdir -p ${folder} && sudo tee ${folder}/director.mjs > /dev/null`,
    await bundledDirector(),
  );
  await ssh(`sudo tee ${folder}/options.json > /dev/null`, JSON.stringify(options));
  const start = `mkdir -p ${logs}; cd ${folder}; setsid node director.mjs options.json > ${logs}/director.log 2>&1 < /dev/null &`;
  await ssh(`sudo sh -c '${start}'`, '');
}

async function sshTo(host: string, privateKey: string) {
  const key = join(homedir(), 'stand-in', 'key');
  await writeFile(key, privateKey, { mode: 0o600 });
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  const words = options.flatMap((option) => ['-o', option]);
  return async (line: string, input: string | Uint8Array) =>
    await run(['ssh', '-F', 'none', ...words, '-i', key, `jumpbox@${host}`, line], {
      input,
      timeoutMs: 60_000,
    });
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const mapsIn = (node: NodeMap[string] | undefined): NodeMap[] =>
  Array.isArray(node) ? node.filter(isMap) : [];
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const step = (line: string): boolean => say(`${line}... Finished (00:00:00)`);
