import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { interpolateText } from '../../../src/engine/template/index.ts';
import {
  type CompatibilityFacts,
  checkCompatibility,
  stemcellLineOf,
} from '../../../src/manifest/compatibility/index.ts';
import { composeManifest } from '../../../src/manifest/compose.ts';
import { composeConfigs } from '../../../src/manifest/configs.ts';
import { packageRoot } from '../../../src/platform/package-root.ts';

const boshDeployment = join(packageRoot(), 'test/fixtures/bosh-deployment');
const network = { name: 'n', cidr: '192.168.77.0/24', gateway: '192.168.77.1', ip: '192.168.77.10' };
const workload = { cidr: '10.244.0.0/16' };
const noble = { os: 'ubuntu-noble', version: '1.484' };
const jammy = { os: 'ubuntu-jammy', version: '1.1364' };
const releases = [
  { name: 'bosh', url: 'https://x.test/bosh-283.1.6-ubuntu-noble-1.484.tgz' },
  { name: 'bpm', url: 'https://x.test/bpm-1.4.38-ubuntu-noble-1.484.tgz' },
  { name: 'os-conf', url: 'https://bosh.io/d/github.com/cloudfoundry/os-conf-release?v=18' },
];

let lite: CompatibilityFacts;
beforeAll(async () => {
  const composed = composeManifest({
    ...{ environment: 'work', backend: 'qemu', profile: 'lite', boshDeployment, network, workload },
    ...{ uri: 'qemu:///system', networkNamespace: '', command: '/x', storagePool: 'p', ops: [] },
    resources: { cpus: 2, memoryMb: 6144, ephemeralDiskMb: 16_384, persistentDiskMb: 65_536 },
    stemcell: { url: 'file:///x/stemcell.tgz', sha1: 'abc' },
  });
  const [, dns] = composeConfigs({ profile: 'lite', boshDeployment, network, workload, cpus: 2 });
  const manifest = parse(await interpolateText({ ...composed, varsFiles: [] }));
  lite = {
    profile: 'lite',
    manifest: stringify({ ...manifest, releases }),
    machineStemcell: noble,
    containerStemcell: noble,
    runtimeConfig: dns && (await interpolateText({ ...dns, varsFiles: [] })),
    memoryMb: 6144,
  };
});

/** What is found when one thing is otherwise. */
function found(over: Partial<CompatibilityFacts>): Record<string, string> {
  return Object.fromEntries(checkCompatibility({ ...lite, ...over }).map(({ id, status }) => [id, status]));
}

test('what we compose fits together', () => {
  expect(checkCompatibility(lite)).toEqual([]);
});

describe('compiled releases', () => {
  test('for another version of the stemcell are named, and may work', () => {
    const [finding] = checkCompatibility({
      ...lite,
      machineStemcell: { os: 'ubuntu-noble', version: '1.333' },
    });
    expect(finding).toMatchObject({
      id: 'release.compiled',
      status: 'warn',
      detail: 'bosh, bpm are compiled for ubuntu-noble 1.484, the machine has ubuntu-noble 1.333',
    });
  });

  test('for another system cannot run', () => {
    expect(found({ machineStemcell: jammy })).toEqual({ 'release.compiled': 'fail' });
  });

  test.each([
    { name: 'cf', url: 'https://x.test/cf-2.0.0-ubuntu-noble-1.333-20260618-153429-750368822.tgz' },
    { name: 'cf', url: 'https://x.test/cf.tgz', stemcell: { os: 'ubuntu-noble', version: 1.333 } },
  ])('are known by their entry or by the name of the tarball', (release) => {
    const manifest = stringify({ releases: [release], instance_groups: [] });
    const facts = { ...lite, profile: 'director' as const, manifest };
    expect(checkCompatibility({ ...facts, machineStemcell: noble })).toMatchObject([
      { detail: expect.stringContaining('ubuntu-noble 1.333, the machine has ubuntu-noble 1.484') },
    ]);
    expect(
      checkCompatibility({ ...facts, machineStemcell: { os: 'ubuntu-noble', version: '1.333' } }),
    ).toEqual([]);
  });

  test('are no matter where the stemcell does not tell its system', () => {
    expect(found({ machineStemcell: undefined })).toEqual({});
  });
});

describe('containers', () => {
  test('older than Noble do not start with systemd', () => {
    expect(found({ containerStemcell: jammy })).toEqual({ 'lite.systemd': 'fail' });
  });

  test('of Noble do not start without', () => {
    const manifest = lite.manifest.replace('start_containers_with_systemd: true', '');
    expect(found({ manifest })).toEqual({ 'lite.systemd': 'fail' });
    expect(found({ manifest, containerStemcell: jammy })).toEqual({});
  });

  test('of Noble take more inotify instances than there are', () => {
    const manifest = lite.manifest.replace(/max_user_instances=\d+/, 'max_user_instances=512');
    expect(found({ manifest })).toEqual({ 'lite.inotify': 'warn' });
    expect(found({ manifest: lite.manifest.replace('name: sysctl', 'name: other') })).toEqual({
      'lite.inotify': 'warn',
    });
  });

  test('have no resolver where bosh-dns asks nobody', () => {
    const runtimeConfig = lite.runtimeConfig?.replace('disable_recursors: false', 'disable_recursors: true');
    expect(found({ runtimeConfig })).toEqual({ 'lite.resolvers': 'warn' });
    expect(found({ runtimeConfig, profile: 'director' })).toEqual({});
  });

  test('of a system that bosh-dns is set up for otherwise are no matter', () => {
    const runtimeConfig = lite.runtimeConfig
      ?.replace('disable_recursors: false', 'disable_recursors: true')
      .replace('os: ubuntu-noble', 'os: ubuntu-resolute');
    expect(found({ runtimeConfig })).toEqual({});
  });
});

test('a director without its agent does not come back after a reboot', () => {
  const manifest = lite.manifest.replace('name: user_add', 'name: disable_agent');
  expect(found({ manifest })).toEqual({ 'lite.agent': 'warn' });
});

test('little memory is told', () => {
  expect(found({ memoryMb: 2048 })).toEqual({ 'director.memory': 'warn' });
});

test("a manifest of another shape is bosh's matter", () => {
  expect(found({ manifest: 'name: x' })).toEqual({});
});

test.each([
  ['bosh-openstack-kvm-ubuntu-noble', 'ubuntu-noble'],
  ['bosh-warden-boshlite-ubuntu-jammy-go_agent', 'ubuntu-jammy'],
  ['boshvirt-probe', undefined],
])('the stemcell %s is of %s', (name, os) => {
  expect(stemcellLineOf(name, '1')?.os).toBe(os);
});
