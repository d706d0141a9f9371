import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isMap } from '../../../../src/engine/template/index.ts';
import { cfTree } from '../../../../src/environment/cf/cf-tree.ts';
import { mapsIn } from '../../../../src/environment/cf/maps-in.ts';
import { type CfInputs, planCf } from '../../../../src/environment/cf/plan-cf.ts';

const fixture = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'cf-deployment');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-cf-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const inputs = async (changes: Partial<CfInputs> = {}): Promise<CfInputs> => ({
  tree: await cfTree(fixture),
  systemDomain: 'cf.work.test',
  routerIp: '10.245.0.34',
  ops: [],
  vars: {},
  varsFiles: [],
  stemcellPins: [],
  canHave: async () => true,
  ...changes,
});

async function opsFile(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test('one machine: the router where the domain leads, compiled releases with their own stemcell', async () => {
  const plan = await planCf(await inputs());
  expect(plan).toMatchObject({ deployment: 'cf', compiled: true });
  expect(plan.stemcell).toMatchObject({ name: 'bosh-warden-boshlite-ubuntu-noble', version: '1.330' });
  const groups = mapsIn(plan.manifest.instance_groups);
  const router = groups.find(({ name }) => name === 'router');
  expect(router?.networks).toEqual([{ name: 'default', static_ips: ['10.245.0.34'] }]);
  expect(JSON.stringify(plan.manifest)).not.toContain('10.244.0.34');
  expect(mapsIn(plan.manifest.stemcells)).toEqual([
    { alias: 'default', os: 'ubuntu-noble', version: '1.330' },
  ]);
  expect(plan.manifest.update).toMatchObject({ canary_watch_time: '5000-1200000' });
  expect(plan.releases).toMatchObject([
    { name: 'capi', version: '1.2.0', stemcell: { os: 'ubuntu-noble', version: '1.330' } },
    {
      name: 'small-db',
      version: '3.0.1',
      url: 'https://releases.test/small-db-3.0.1-ubuntu-noble-1.330.tgz',
    },
  ]);
  expect(plan.vars).toEqual({
    system_domain: 'cf.work.test',
    router_ip: '10.245.0.34',
    stemcell_version: '1.330',
  });
});

test("the user's operations come last, and decide the stemcell", async () => {
  const ops = [
    await opsFile('api.yml', '- {type: replace, path: /instance_groups/name=api/instances, value: 3}'),
    await opsFile(
      'jammy.yml',
      '- {type: replace, path: /stemcells/alias=default, value: {alias: default, os: ubuntu-jammy, version: "1.10"}}',
    ),
  ];
  const plan = await planCf(await inputs({ ops }));
  expect(plan.compiled).toBe(false);
  expect(plan.stemcell).toMatchObject({
    name: 'bosh-warden-boshlite-ubuntu-jammy-go_agent',
    version: '1.10',
  });
  expect(plan.opsFiles.slice(-2)).toEqual(ops);
  expect(mapsIn(plan.manifest.instance_groups).find(({ name }) => name === 'api')?.instances).toBe(3);
  expect(plan.releases[0]?.url).toBe('https://releases.test/capi-1.2.0.tgz');
});

test('a variable that nothing gives is named before anything is done', async () => {
  const ops = [
    await opsFile(
      'holes.yml',
      '- {type: replace, path: /instance_groups/name=api/jobs/name=cloud_controller_ng/properties/smtp?, value: "((smtp.host)) ((/shared/relay))"}',
    ),
  ];
  await expect(planCf(await inputs({ ops }))).rejects.toMatchObject({
    code: 'USAGE',
    message: 'The manifest of Cloud Foundry needs values for: smtp',
  });
  const given = await planCf(await inputs({ ops, vars: { smtp: { host: 'mail.test' } } }));
  const api = mapsIn(given.manifest.instance_groups).find(({ name }) => name === 'api');
  const [job] = mapsIn(api?.jobs);
  expect(isMap(job?.properties) && job.properties.smtp).toBe('mail.test ((/shared/relay))');
});

test('the newest stemcell that there is fits no compiled releases', async () => {
  const ops = [
    await opsFile('latest.yml', '- {type: replace, path: /stemcells/alias=default/version, value: latest}'),
  ];
  expect(await planCf(await inputs({ ops }))).toMatchObject({
    compiled: false,
    stemcell: { version: 'latest', url: 'https://bosh.io/d/stemcells/bosh-warden-boshlite-ubuntu-noble' },
  });
});

test('a manifest without the stemcell that its instances name is refused', async () => {
  const ops = [await opsFile('none.yml', '- {type: remove, path: /stemcells/alias=default/version}')];
  await expect(planCf(await inputs({ ops }))).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('os ubuntu-noble, version undefined'),
  });
});

test('a folder that is no cf-deployment is named with what it lacks', async () => {
  await expect(cfTree(folder)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(join(folder, 'cf-deployment.yml')),
  });
});
