import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { digestFile } from '../../../../src/downloads/digests.ts';
import { DownloadCache } from '../../../../src/downloads/index.ts';
import { writeCfRecord } from '../../../../src/environment/cf/cf-record.ts';
import type { CfRequest } from '../../../../src/environment/cf/cf-settings.ts';
import { cfDryRun, cfUp } from '../../../../src/environment/cf/up.ts';
import { checkoutArtifact } from '../../../../src/environment/checkouts/index.ts';
import { cacheFolder } from '../../../../src/environment/paths.ts';
import { type EnvironmentRecord, writeRecord } from '../../../../src/environment/record.ts';
import { isThere } from '../../../../src/platform/files.ts';
import { run } from '../../../../src/platform/process.ts';
import { liteScene, quietCaller } from './lite-scene.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const nowhere = { ip: '127.0.0.1', ca: 'CA' };
const options = { offline: true, viaCache: false, apiTimeoutMs: 0 };
const cfDeployment = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'cf-deployment');

test('a dry run asks nobody, and takes what was asked for before where nothing else is said', async () => {
  await using scene = await liteScene('', nowhere);
  await writeCfRecord('work', {
    ...{ version: 1, cfDeployment, deployment: 'cf', systemDomain: 'kept.test' },
    ...{ ops: [], vars: { kept: 1 }, varsFiles: [] },
  });
  const kept = await cfDryRun('work', {}, options, quietCaller());
  expect(kept.plan.vars).toMatchObject({ system_domain: 'kept.test', kept: 1 });
  const asked = await cfDryRun(
    'work',
    { systemDomain: '10.245.0.34.sslip.io', vars: {} },
    options,
    quietCaller(),
  );
  expect(asked.plan.vars).toEqual({
    ...{ system_domain: '10.245.0.34.sslip.io', router_ip: '10.245.0.34', stemcell_version: '1.330' },
  });
  await expect(scene.read('calls')).rejects.toThrow('ENOENT');
});

test('of all that name a system domain the one that was typed last counts, also against a variable of before', async () => {
  await using scene = await liteScene('', nowhere);
  const file = scene.path('vars.yml');
  await writeFile(file, 'system_domain: file.test\nsmtp: 1\n');
  const domain = async (request: CfRequest) =>
    (await cfDryRun('work', { cfDeployment, ...request }, options, quietCaller())).plan.vars.system_domain;
  expect(await domain({ varsFiles: [file] })).toBe('file.test');
  expect(await domain({ varsFiles: [file], vars: { system_domain: 'var.test' } })).toBe('var.test');
  await writeCfRecord('work', {
    ...{ version: 1, cfDeployment, deployment: 'cf', systemDomain: 'before.test' },
    ...{ ops: [], vars: { system_domain: 'before.test' }, varsFiles: [file] },
  });
  expect(await domain({})).toBe('before.test');
  expect(await domain({ systemDomain: 'typed.test' })).toBe('typed.test');
});

test('an archive of cf-deployment is in no lock file: the next of the same commit may have other bytes', async () => {
  await using scene = await liteScene('', nowhere);
  vi.stubEnv('XDG_CACHE_HOME', scene.path('cache'));
  const [commit, archive] = ['c'.repeat(40), scene.path('archive.tar.gz')];
  await run(['tar', '--create', '--gzip', '--file', archive, '-C', dirname(cfDeployment), 'cf-deployment']);
  const { urls } = await checkoutArtifact('cf-deployment', commit);
  const sources = urls.map((address) => ({ address, at: 1 }));
  await new DownloadCache(cacheFolder()).keep(archive, await digestFile(archive), 'an archive', sources);
  const path = scene.path('boshvirt.lock');
  const downloadLock = { path, environment: 'work', update: false };
  const { plan } = await cfDryRun(
    'work',
    { cfDeployment: commit },
    { ...options, downloadLock },
    quietCaller(),
  );
  expect(plan.manifestPath).toContain(commit);
  expect(await isThere(path)).toBe(false);
});

const changes: [string, Partial<EnvironmentRecord>, string, string][] = [
  ['a machine by itself', { profile: 'machine' }, 'USAGE', 'without a director'],
  ['VMs for instances', { profile: 'director' }, 'UNSUPPORTED', '96 GiB'],
  ['no range for containers', { workload: undefined }, 'USAGE', 'no range for containers'],
  [
    'too little memory',
    { resources: { cpus: 6, memoryMb: 6144, ephemeralDiskMb: 65_536, persistentDiskMb: 65_536 } },
    'NO_RESOURCES',
    '6 GiB of 8 GiB memory',
  ],
];

test.each(changes)(
  'an environment with %s is refused, and says what to do',
  async (_, change, code, message) => {
    await using scene = await liteScene('', nowhere);
    await writeRecord({ ...scene.record, ...change });
    await expect(cfUp('work', { cfDeployment }, options, quietCaller())).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
      hints: [expect.stringContaining('boshvirt up'), ...(code === 'UNSUPPORTED' ? [expect.anything()] : [])],
    });
  },
);

test.each(['no domain', '-.test', 'UPPER.test', 'localhost'])(
  "'%s' is no system domain",
  async (systemDomain) => {
    await using _ = await liteScene('', nowhere);
    await expect(
      cfDryRun('work', { systemDomain, cfDeployment }, options, quietCaller()),
    ).rejects.toMatchObject({
      code: 'USAGE',
    });
  },
);

test('a small machine is asked about, with what to type for a larger one', async () => {
  await using scene = await liteScene('', nowhere);
  await writeRecord({ ...scene.record, resources: { ...scene.record.resources, memoryMb: 8192 } });
  const questions: string[] = [];
  const caller = {
    ...quietCaller(),
    confirm: async (question: string) => {
      questions.push(question);
      return false;
    },
  };
  await expect(cfUp('work', { cfDeployment }, options, caller)).rejects.toMatchObject({ code: 'DECLINED' });
  expect(questions).toEqual([expect.stringContaining('8 GiB of 14 GiB memory; boshvirt up work --size cf')]);
});
