import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { cfVarsPath, readCfRecord } from '../../../../src/environment/cf/cf-record.ts';
import { cfSettings } from '../../../../src/environment/cf/cf-settings.ts';
import { type CfJob, type CfWork, stepsOfCfUp } from '../../../../src/environment/cf/up-steps.ts';
import { directorBosh } from '../../../../src/environment/director/index.ts';
import { guestRoad } from '../../../../src/host/forward.ts';
import { makePlace, type Place, type Services, startServices } from '../../../support/stand-ins/services.ts';
import { liteScene, quietCaller, routerIp } from './lite-scene.ts';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const fixture = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'cf-deployment');
const named = (...names: string[]) => names.map((name) => ({ name }));
const cloudConfig = {
  azs: named('z1', 'z2', 'z3'),
  networks: named('default'),
  vm_types: named('minimal', 'small'),
  disk_types: named('10GB'),
  vm_extensions: named('50GB_ephemeral_disk', 'ssh-proxy-and-router-lb'),
};

interface Director {
  readonly stemcells?: readonly object[];
  readonly releases?: readonly object[];
  readonly cloudConfig?: object;
  /** Lines of sh for `bosh deploy`. */
  readonly deploy?: string;
}

/** A bosh whose director has these. */
function director({ stemcells = [], releases = [], deploy = '', ...more }: Director): string {
  const table = (rows: readonly object[]) => `echo '${JSON.stringify({ Tables: [{ Rows: rows }] })}'; exit 0`;
  return `
    case "$1 $2" in
    "stemcells --json") ${table(stemcells)};;
    "releases --json") ${table(releases)};;
    "configs --type=cloud") ${table([{ id: '1*' }])};;
    "configs --type=runtime") ${table([{ id: '2*' }])};;
    "config 1") ${table([{ content: JSON.stringify(more.cloudConfig ?? cloudConfig) }])};;
    "config 2") ${table([{ content: '{}' }])};;
    esac
    [ "$1" = deploy ] && {
      for word; do case "$word" in *vars.json) cp "$word" "$dir/vars";; esac; done
      ${deploy}
    }
    exit 0`;
}

const values = { '/lite/cf/router_ssl': (services: Services) => ({ ca: services.ca }) };

/** The steps against a scripted director, over a road on which the router's port 443 is the stand-in's. */
async function scene(script: string, changes: Partial<CfJob['options']> = {}) {
  const secrets: Record<string, unknown> = {};
  const services = await startServices(place, { values: secrets, apiStatus: [404, 200] });
  for (const [name, value] of Object.entries(values)) secrets[name] = value(services);
  const lite = await liteScene(script, services);
  vi.stubEnv('XDG_CACHE_HOME', lite.path('cache'));
  const caller = quietCaller();
  const road = guestRoad(undefined);
  const job: CfJob = {
    record: lite.record,
    settings: cfSettings(lite.record, undefined, { cfDeployment: fixture }),
    options: { offline: false, viaCache: false, apiTimeoutMs: 10_000, ...changes },
    caller,
    bosh: await directorBosh(lite.record, caller),
    place: [lite.path('bin/in-namespace')],
    road: {
      commandPrefix: [],
      dial: async (host, port, options) =>
        host === routerIp && port === 443
          ? connect(services.routerPort, services.ip)
          : await road.dial(host, port, options),
    },
  };
  await writeFile(
    lite.path('bin/in-namespace'),
    `#!/bin/sh\necho "$@" > "$0.words"\necho "${routerIp} STREAM"\n`,
    { mode: 0o755 },
  );
  const work: CfWork = {};
  return {
    ...{ job, caller, work, services, lite },
    run: async () => await caller.runSteps(stepsOfCfUp(job), work),
    async calls(command: string) {
      return (await lite.read('calls')).split('\n').filter((line) => line.startsWith(`${command} `));
    },
    async [Symbol.asyncDispose]() {
      await services[Symbol.asyncDispose]();
      await lite[Symbol.asyncDispose]();
    },
  };
}

const theStemcell = { name: 'bosh-warden-boshlite-ubuntu-noble', version: '1.330*', os: 'ubuntu-noble' };

test('from a director that has the stemcell to an API that answers', async () => {
  const deploy = 'echo "Task 9 | 10:00:00 | Updating instance api: api/1 (0) (00:01:00)"';
  await using it = await scene(director({ stemcells: [theStemcell], deploy }));
  await it.run();
  expect(it.caller.skipped).toEqual(['Upload the stemcell', 'Upload releases']);
  const [deployed] = await it.calls('deploy');
  expect(deployed).toMatch(
    /^deploy \S+\/cf-deployment.yml -d cf -o \S+\/bosh-lite.yml -o \S+\/use-compiled-releases.yml -o \S+\/cf-lite.yml -l .*vars.json$/,
  );
  expect(JSON.parse(await it.lite.read('vars'))).toEqual({
    system_domain: 'cf.test',
    router_ip: routerIp,
    stemcell_version: '1.330',
  });
  expect((await stat(cfVarsPath('work'))).mode & 0o777).toBe(0o600);
  expect(it.caller.said).toContain('Updating instance api: api/1 (0) (00:01:00)');
  expect(await readCfRecord('work')).toMatchObject({ deployment: 'cf', systemDomain: 'cf.test' });
  // it asked until the router knew the API, by its name and over the certificate that CredHub vouches for
  expect(it.services.asked.filter((line) => line.includes('api.'))).toEqual([
    'GET api.cf.test/',
    'GET api.cf.test/',
  ]);
  expect(await it.lite.read('bin/in-namespace.words')).toBe('getent ahostsv4 api.cf.test\n');
  expect(it.work.apiAddress).toBe(routerIp);
});

test('what the cloud-config lacks stops it before anything is uploaded', async () => {
  const lacking = { ...cloudConfig, vm_types: named('minimal') };
  await using it = await scene(director({ cloudConfig: lacking }));
  await expect(it.run()).rejects.toMatchObject({
    code: 'USAGE',
    message: "The director's cloud-config lacks vm_types: small",
  });
  expect(await it.calls('upload-stemcell')).toEqual([]);
});

/** An ops-file that has a release come from a file of this machine. */
async function localRelease(it: Awaited<ReturnType<typeof scene>>, name: string): Promise<string> {
  const path = it.lite.path(`${name}.tgz`);
  await writeFile(path, `the release ${name}`);
  const digest = createHash('sha256').update(`the release ${name}`).digest('hex');
  const ops = it.lite.path(`${name}.yml`);
  const values = { url: `file://${path}`, sha1: `sha256:${digest}` };
  const operations = Object.entries(values).map(
    ([key, value]) => `- {type: replace, path: /releases/name=${name}/${key}, value: "${value}"}\n`,
  );
  await writeFile(ops, operations.join(''));
  return ops;
}

/** Of the steps those that say which releases, and upload them. */
async function uploadReleases(it: Awaited<ReturnType<typeof scene>>, ops: readonly string[]): Promise<void> {
  const steps = stepsOfCfUp({ ...it.job, settings: { ...it.job.settings, ops: [...ops] } });
  const wanted = ['Choose stemcell and releases', 'Upload releases'];
  await it.caller.runSteps(
    steps.filter(({ title }) => wanted.includes(title)),
    it.work,
  );
}

const uploadLine = (it: Awaited<ReturnType<typeof scene>>, name: string, version: string): string =>
  `upload-release ${it.lite.path(`${name}.tgz`)} --name=${name} --version=${version} --stemcell=ubuntu-noble/1.330`;

test('releases go through the cache where that is asked for', async () => {
  await using it = await scene(director({}), { viaCache: true });
  await uploadReleases(it, [await localRelease(it, 'capi'), await localRelease(it, 'small-db')]);
  expect(await it.calls('upload-release')).toEqual([
    uploadLine(it, 'capi', '1.2.0'),
    uploadLine(it, 'small-db', '3.0.1'),
  ]);
});

test('offline, what only the director has is left to it, and what nobody has is named', async () => {
  const releases = [
    { name: 'capi', version: '1.1.0*' },
    { name: '', version: '1.2.0' },
  ];
  const stemcells = [theStemcell];
  await using it = await scene(director({ releases, stemcells }), { offline: true });
  await uploadReleases(it, [await localRelease(it, 'small-db')]);
  expect(await it.calls('upload-release')).toEqual([uploadLine(it, 'small-db', '3.0.1')]);
  await expect(uploadReleases(it, [])).rejects.toMatchObject({
    code: 'OFFLINE',
    message: expect.stringContaining('small-db/3.0.1'),
  });
});

test('a look for what is there changes nothing in the lock file', async () => {
  const releases = [{ name: 'capi', version: '1.2.0' }];
  await using it = await scene(director({ releases, stemcells: [theStemcell] }), { offline: true });
  const path = it.lite.path('boshvirt.lock');
  const digests = { sha1: '1'.repeat(40), sha256: '2'.repeat(64), bytes: 3 };
  const locked = [{ name: 'release capi/1.2.0', url: 'https://releases.test/capi.tgz', ...digests }];
  await writeFile(path, stringify({ version: 1, env: { work: { 'cf-releases': locked } } }));
  const before = await readFile(path, 'utf8');
  Object.assign(it.job.options, { downloadLock: { path, environment: 'work', update: false } });
  // capi is looked for, and is there; small-db is nowhere
  await expect(uploadReleases(it, [await localRelease(it, 'capi')])).rejects.toMatchObject({
    code: 'OFFLINE',
  });
  expect(await readFile(path, 'utf8')).toBe(before);
});

test('offline, the stemcell of the manifest will do where that of the compiled releases is nowhere', async () => {
  const there = { ...theStemcell, version: '1.425' };
  await using it = await scene(director({ stemcells: [there] }), { offline: true });
  const [plan] = stepsOfCfUp(it.job);
  await it.caller.runSteps(plan ? [plan] : [], it.work);
  expect(it.work.plan).toMatchObject({ compiled: true, stemcell: { version: '1.425' } });
});

test("the user's files of variables come before ours, and typed ones go by file", async () => {
  await using it = await scene(director({ stemcells: [theStemcell] }));
  const theirs = it.lite.path('theirs.yml');
  await writeFile(theirs, 'router_ip: 192.0.2.1\n');
  const settings = { ...it.job.settings, varsFiles: [theirs], vars: { smtp: 'typed' } };
  await it.caller.runSteps(stepsOfCfUp({ ...it.job, settings }), it.work);
  expect((await it.calls('deploy'))[0]).toContain(` -l ${theirs} -l ${cfVarsPath('work')}`);
  expect((await it.calls('deploy'))[0]).not.toContain('typed');
  expect(JSON.parse(await it.lite.read('vars'))).toMatchObject({ router_ip: routerIp, smtp: 'typed' });
});

test('a deployment that fails is kept in mind, so that the same command goes on', async () => {
  const deploy = `echo "Task 9 | 10:00:00 | Error: no luck"; exit 1`;
  await using it = await scene(director({ stemcells: [theStemcell], deploy }));
  await expect(it.run()).rejects.toMatchObject({ code: 'DIRECTOR' });
  expect(await readCfRecord('work')).toMatchObject({ cfDeployment: fixture });
});
