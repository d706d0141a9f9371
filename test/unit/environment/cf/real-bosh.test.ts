/** `cf up` and `cf down` through the real bosh, against a director that stands in: what bosh asks, prints and says of failures. */
import { rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { cfSettings } from '../../../../src/environment/cf/cf-settings.ts';
import { type OrphanedDisk, stepsOfCfDown } from '../../../../src/environment/cf/down.ts';
import { stepsOfCfUp } from '../../../../src/environment/cf/up-steps.ts';
import { directorBosh } from '../../../../src/environment/director/index.ts';
import { guestRoad } from '../../../../src/host/forward.ts';
import { makePlace, type Place, startServices } from '../../../support/stand-ins/services.ts';
import { liteScene, quietCaller, routerIp } from './lite-scene.ts';
import { type DeploymentsOptions, startDeployments } from './stand-in-deployments.ts';

const realBosh = process.env.BOSHVIRT_TEST_BOSH ?? '';
const fixture = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'cf-deployment');
const named = (...names: string[]) => names.map((name) => ({ name }));
const holdings: DeploymentsOptions = {
  stemcells: [{ name: 'bosh-warden-boshlite-ubuntu-noble', version: '1.330', os: 'ubuntu-noble' }],
  releases: [
    { name: 'capi', version: '1.2.0' },
    { name: 'small-db', version: '3.0.1' },
  ],
  cloudConfig: JSON.stringify({
    ...{ azs: named('z1', 'z2'), networks: named('default'), vm_types: named('minimal', 'small') },
    ...{ disk_types: named('10GB'), vm_extensions: named('50GB_ephemeral_disk', 'ssh-proxy-and-router-lb') },
  }),
};

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function scene(options: DeploymentsOptions) {
  const values: Record<string, unknown> = {};
  const services = await startServices(place, { values });
  values['/lite/cf/router_ssl'] = { ca: services.ca };
  const director = await startDeployments(place, options);
  const lite = await liteScene('', services);
  await rm(lite.path('bin/bosh'));
  await symlink(realBosh, lite.path('bin/bosh'));
  await writeFile(lite.path('bin/here'), '#!/bin/sh\nexit 2\n', { mode: 0o755 });
  const caller = quietCaller();
  const road = guestRoad(undefined);
  const job = {
    ...{ record: lite.record, caller, bosh: await directorBosh(lite.record, caller) },
    settings: cfSettings(lite.record, undefined, { cfDeployment: fixture }),
    options: { offline: false, viaCache: false, apiTimeoutMs: 10_000 },
    place: [lite.path('bin/here')],
    road: {
      commandPrefix: [],
      dial: async (host: string, port: number, how: Parameters<typeof road.dial>[2]) =>
        host === routerIp ? connect(services.routerPort, services.ip) : await road.dial(host, port, how),
    },
  };
  return {
    ...{ lite, caller, director, up: async () => await caller.runSteps(stepsOfCfUp(job), {}) },
    async [Symbol.asyncDispose]() {
      for (const part of [director, services, lite]) await part[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(realBosh === '')('with the real bosh (needs BOSHVIRT_TEST_BOSH)', () => {
  test('it deploys what the director has, and its steps are told', async () => {
    await using it = await scene(holdings);
    await it.up();
    expect(it.caller.skipped).toEqual(['Upload the stemcell', 'Upload releases']);
    expect(it.caller.said).toContain('Updating instance router: router/1 (0) (canary) (00:01:00)');
    expect(it.director.asked.filter((line) => line.startsWith('POST'))).toEqual([
      'POST /deployments/cf/diff',
      'POST /deployments',
    ]);
    expect(parse(it.director.manifests[0] ?? '')).toMatchObject({
      name: 'cf',
      stemcells: [{ os: 'ubuntu-noble', version: '1.330' }],
    });
  }, 60_000);

  test("a failure has the director's words and its task", async () => {
    await using it = await scene({ ...holdings, fault: "'api/1 (0)' is not running after update" });
    await expect(it.up()).rejects.toMatchObject({
      code: 'DIRECTOR',
      message: expect.stringContaining("'api/1 (0)' is not running after update"),
      hints: expect.arrayContaining([expect.stringContaining('bosh task 9 --debug')]),
    });
  }, 60_000);

  test('it deletes the deployment and tells of disks', async () => {
    const disk = {
      disk_cid: 'disk-1',
      size: 10_240,
      deployment_name: 'cf',
      instance_name: 'database/1',
      az: 'z1',
    };
    await using it = await scene({
      ...holdings,
      disks: [{ ...disk, orphaned_at: '2026-01-09 06:23:25 +0000' }],
    });
    const context: { disks: OrphanedDisk[] } = { disks: [] };
    await it.caller.runSteps(await stepsOfCfDown('work', it.lite.record, it.caller), context);
    expect(it.director.asked).toContain('DELETE /deployments/cf');
    expect(context.disks).toEqual([{ cid: 'disk-1', size: '10 GiB', instance: 'database/1' }]);
  }, 60_000);
});
