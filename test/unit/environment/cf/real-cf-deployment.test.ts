/** Our plan of the real cf-deployment, by the real bosh: every operation applies, nothing is missing, all fits together. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { boshLines } from '../../../../src/environment/cf/bosh-lines.ts';
import { releaseArtifact } from '../../../../src/environment/cf/cf-artifacts.ts';
import { cfTree } from '../../../../src/environment/cf/cf-tree.ts';
import { mapsIn } from '../../../../src/environment/cf/maps-in.ts';
import { type CfPlan, planCf } from '../../../../src/environment/cf/plan-cf.ts';
import { readPins } from '../../../../src/manifest/pins.ts';
import { run } from '../../../../src/platform/process.ts';

const bosh = process.env.BOSHVIRT_TEST_BOSH ?? '';
const cfDeployment = process.env.BOSHVIRT_TEST_CF_DEPLOYMENT ?? '';
const needsCf = 'needs BOSHVIRT_TEST_CF_DEPLOYMENT, a checkout of cf-deployment';

async function plan(ops: readonly string[] = []): Promise<CfPlan> {
  return await planCf({
    tree: await cfTree(cfDeployment),
    ...{ systemDomain: 'cf.test', routerIp: '10.245.0.34', ops, vars: {}, varsFiles: [] },
    stemcellPins: (await readPins())['container-stemcells'],
    canHave: async () => true,
  });
}

describe.skipIf(cfDeployment === '')(`cf-deployment on one machine (${needsCf})`, () => {
  test('all its releases are compiled, for the stemcell that the manifest has then, and that is pinned', async () => {
    const { compiled, stemcell, releases, manifest } = await plan();
    expect(compiled).toBe(true);
    const [{ os, version } = {}] = mapsIn(manifest.stemcells);
    expect(releases.length).toBeGreaterThan(20);
    expect(releases.filter((release) => release.stemcell?.version !== version)).toEqual([]);
    expect(stemcell).toMatchObject({ os, version, sha1: expect.stringMatching(/^[0-9a-f]{40}$/) });
  });

  test('each release can be fetched and checked', async () => {
    for (const release of (await plan()).releases) {
      const artifact = releaseArtifact(release);
      expect(artifact?.urls[0]).toMatch(/^https:/);
      expect(artifact?.sha1 ?? artifact?.sha256, release.name).toMatch(/^[0-9a-f]{40,64}$/);
    }
  });

  test('one instance of each, with the router where the domain leads and nowhere the address of another range', async () => {
    const { manifest } = await plan();
    const groups = mapsIn(manifest.instance_groups);
    expect(groups.filter(({ instances }) => instances !== 1)).toEqual([]);
    expect(groups.find(({ name }) => name === 'router')?.networks).toEqual([
      { name: 'default', static_ips: ['10.245.0.34'] },
    ]);
    expect(JSON.stringify(manifest)).not.toContain('10.244.');
    expect(JSON.stringify(manifest)).toContain('"destination":"10.245.0.34"');
  });

  test.each(['operations/use-postgres.yml', 'operations/enable-nfs-volume-service.yml'])(
    "a user's %s goes on top",
    async (ops) => {
      expect((await plan([join(cfDeployment, ops)])).compiled).toBe(true);
    },
  );

  test('its Jammy stemcell has its releases compiled here', async () => {
    const jammy = await plan([join(cfDeployment, 'operations/use-jammy-stemcell.yml')]);
    expect(jammy).toMatchObject({ compiled: false, stemcell: { os: 'ubuntu-jammy', version: 'latest' } });
  });

  test.skipIf(bosh === '')(
    'bosh makes of it what we do (needs BOSHVIRT_TEST_BOSH, a real bosh)',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'boshvirt-cf-'));
      try {
        const { manifestPath, opsFiles, vars, manifest } = await plan();
        const varsPath = join(folder, 'vars.json');
        await writeFile(varsPath, JSON.stringify(vars));
        const inputs = [...opsFiles.flatMap((path) => ['-o', path]), '-l', varsPath, '--var-errs-unused'];
        const { stdout } = await run([bosh, 'interpolate', manifestPath, ...inputs], { timeoutMs: 60_000 });
        expect(parse(stdout, { version: '1.1' })).toEqual(manifest);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );

  test.skipIf(bosh === '')(
    'so it does of the line that a dry run prints (needs BOSHVIRT_TEST_BOSH)',
    async () => {
      const planned = await plan();
      const deploy = boshLines(planned, [], { name: 'work', host: 'system' }).at(-1) ?? '';
      const line = deploy.replace('bosh -d cf deploy', `'${bosh}' interpolate`);
      const { stdout } = await run(['sh', '-eu', '-c', line], { timeoutMs: 60_000 });
      expect(parse(stdout, { version: '1.1' })).toEqual(planned.manifest);
    },
  );
});
