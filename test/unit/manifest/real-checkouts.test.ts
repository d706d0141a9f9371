/**
 * What we compose, against the real bosh-deployment and cf-deployment and, where there is one, by the real bosh: every
 * ops-file applies, no variable is missing or has no use, and our own engine makes the same manifest of it.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { backendNames } from '../../../src/cpi/backends/registry.ts';
import { interpolateText, renderManifest } from '../../../src/engine/template/index.ts';
import { lacksOfCloudConfig } from '../../../src/environment/cf/cloud-config-needs.ts';
import { checkCompatibility } from '../../../src/manifest/compatibility/index.ts';
import { composeManifest, type ManifestFacts } from '../../../src/manifest/compose.ts';
import { composeConfigs } from '../../../src/manifest/configs.ts';
import { readPins } from '../../../src/manifest/pins.ts';
import { run } from '../../../src/platform/process.ts';

const bosh = process.env.BOSHVIRT_TEST_BOSH ?? '';
const boshDeployment = process.env.BOSHVIRT_TEST_BOSH_DEPLOYMENT ?? '';
const cfDeployment = process.env.BOSHVIRT_TEST_CF_DEPLOYMENT ?? '';
const needsBosh = 'needs BOSHVIRT_TEST_BOSH, a real bosh';
const needsTheirs = 'needs BOSHVIRT_TEST_BOSH_DEPLOYMENT, a checkout of bosh-deployment';
const needsCf = 'needs BOSHVIRT_TEST_CF_DEPLOYMENT, a checkout of cf-deployment';

const network = { name: 'n', cidr: '192.168.77.0/24', gateway: '192.168.77.1', ip: '192.168.77.10' };
const facts = (over: Pick<ManifestFacts, 'backend' | 'profile'>): ManifestFacts => ({
  environment: 'work',
  boshDeployment,
  uri: 'qemu:///system',
  networkNamespace: '',
  command: '/x/bin/boshvirt',
  network,
  storagePool: 'p',
  resources: { cpus: 2, memoryMb: 6144, ephemeralDiskMb: 16_384, persistentDiskMb: 65_536 },
  workload: { cidr: '10.244.0.0/16' },
  stemcell: { url: 'file:///x/stemcell.tgz', sha1: 'abc' },
  ops: [],
  ...over,
});
/** What the engine adds. */
const release = { boshvirt_cpi_release_url: 'file:///x/cpi.tgz', boshvirt_cpi_release_sha1: 'abc' };

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boshvirt-real-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

const cases = backendNames.flatMap((backend) =>
  (['machine', 'lite', 'director'] as const).map((profile) => ({ backend, profile })),
);

describe.skipIf(bosh === '' || boshDeployment === '').each(cases)(
  `$profile on $backend (${needsBosh}; ${needsTheirs})`,
  (over) => {
    test('bosh finds every path, every variable and a use for each that is given, and makes what our engine makes', async () => {
      const { manifestPath, opsFiles, vars } = composeManifest(facts(over));
      const [varsPath, storePath] = ['vars.json', 'creds.yml'].map((name) =>
        join(folder, `${over.backend}-${over.profile}-${name}`),
      ) as [string, string];
      await writeFile(varsPath, JSON.stringify({ ...vars, ...release }));
      const inputs = [
        ...opsFiles.flatMap((path) => ['-o', path]),
        ...['-l', varsPath, '--vars-store', storePath],
        ...['--var-errs', '--var-errs-unused'],
      ];
      const { stdout } = await run([bosh, 'interpolate', manifestPath, ...inputs], { timeoutMs: 120_000 });
      const ours = await renderManifest({
        manifestPath,
        opsFiles,
        vars: { ...vars, ...release },
        varsFiles: [],
        varsStorePath: storePath,
      });
      expect(ours.manifest).toEqual(parse(stdout, { version: '1.1' }));
      expect(stdout).not.toContain('((');
    }, 180_000);
  },
);

describe.skipIf(bosh === '' || boshDeployment === '').each(['lite', 'director'] as const)(
  `the configs of %s (${needsBosh}; ${needsTheirs})`,
  (profile) => {
    test.each(composeConfigs({ ...facts({ backend: '', profile }), boshDeployment, profile, cpus: 2 }))(
      'bosh finds every path and a use for every variable of the $type config $name, and makes what our engine makes',
      async ({ type, manifestPath, opsFiles, vars }) => {
        const varsPath = join(folder, `${profile}-${type}.json`);
        await writeFile(varsPath, JSON.stringify(vars));
        const inputs = [...opsFiles.flatMap((path) => ['-o', path]), '-l', varsPath, '--var-errs-unused'];
        const { stdout } = await run([bosh, 'interpolate', manifestPath, ...inputs], { timeoutMs: 60_000 });
        const ours = await interpolateText({ manifestPath, opsFiles, vars, varsFiles: [] });
        expect(parse(ours)).toEqual(parse(stdout));
      },
    );
  },
);

describe.skipIf(boshDeployment === '')(`the pins of bosh-deployment (${needsTheirs})`, () => {
  test('the tree is that of the pinned commit', async () => {
    const { commit, tree } = (await readPins()).repositories['bosh-deployment'];
    expect(await treeOf(boshDeployment, commit)).toBe(tree);
  });

  test('machines boot from the stemcells that it names for such a hypervisor', async () => {
    const { 'machine-stemcells': machine, 'container-stemcells': containers } = await readPins();
    const theirs = async (path: string) => {
      const operations: { path: string; value: unknown }[] = parse(
        await readFile(join(boshDeployment, path), 'utf8'),
      );
      return operations.find((operation) => operation.path.endsWith('/stemcell?'))?.value;
    };
    expect(machine.qemu).toMatchObject((await theirs('openstack/cpi.yml')) as object);
    expect(machine.lxc).toMatchObject((await theirs('warden/cpi.yml')) as object);
    expect(containers[0]).toMatchObject((await theirs('warden/cpi.yml')) as object);
  });
});

describe.skipIf(boshDeployment === '').each(cases.filter(({ profile }) => profile !== 'machine'))(
  `$profile on $backend, with the pinned stemcells (${needsTheirs})`,
  ({ backend, profile }) => {
    test('nothing is found that does not fit together, but for a kernel that is this machine’s', async () => {
      const pins = await readPins();
      const composed = composeManifest(facts({ backend, profile }));
      const [, dns] = composeConfigs({
        ...facts({ backend, profile }),
        boshDeployment,
        profile: 'lite',
        cpus: 2,
      });
      const found = checkCompatibility({
        profile: profile === 'lite' ? 'lite' : 'director',
        manifest: await interpolateText({ ...composed, varsFiles: [] }),
        machineStemcell: pins['machine-stemcells'][backend],
        containerStemcell: pins['container-stemcells'][0],
        runtimeConfig: await interpolateText({ ...must(dns), varsFiles: [] }),
        memoryMb: 6144,
      });
      const isShared = backend === 'lxc' && profile === 'lite';
      expect(found.map(({ id }) => id)).toEqual(isShared ? ['lite.inotify'] : []);
    });
  },
);

describe.skipIf(boshDeployment === '')(`the DNS of bosh-deployment, as it is (${needsTheirs})`, () => {
  test('is found to resolve nothing in containers of Noble', async () => {
    const composed = composeManifest(facts({ backend: 'qemu', profile: 'lite' }));
    const found = checkCompatibility({
      profile: 'lite',
      manifest: await interpolateText({ ...composed, varsFiles: [] }),
      machineStemcell: undefined,
      containerStemcell: (await readPins())['container-stemcells'][0],
      runtimeConfig: await readFile(join(boshDeployment, 'runtime-configs/dns.yml'), 'utf8'),
      memoryMb: 6144,
    });
    expect(found.map(({ id }) => id)).toEqual(['lite.resolvers']);
  });
});

describe.skipIf(cfDeployment === '')(`cf-deployment (${needsCf})`, () => {
  test('the tree is that of the pinned commit', async () => {
    const { commit, tree } = (await readPins()).repositories['cf-deployment'];
    expect(await treeOf(cfDeployment, commit)).toBe(tree);
  });

  test('there is a stemcell for it, and for the releases that are compiled for it', async () => {
    const manifest = parse(await readFile(join(cfDeployment, 'cf-deployment.yml'), 'utf8'));
    const compiled: { value: { stemcell: object } }[] = parse(
      await readFile(join(cfDeployment, 'operations/use-compiled-releases.yml'), 'utf8'),
    );
    const { os, version } = manifest.stemcells[0];
    const pinned = (await readPins())['container-stemcells'];
    expect(pinned).toContainEqual(expect.objectContaining({ os, version }));
    expect(pinned).toContainEqual(expect.objectContaining(compiled[0]?.value.stemcell));
  });

  test('it finds all that it names in our cloud-config', async () => {
    const [cloud] = composeConfigs({
      ...facts({ backend: '', profile: 'lite' }),
      ...{ boshDeployment, profile: 'lite', cpus: 2 },
    });
    const config = await interpolateText({ ...must(cloud), varsFiles: [] });
    const manifest = await interpolateText({
      manifestPath: join(cfDeployment, 'cf-deployment.yml'),
      opsFiles: [join(cfDeployment, 'operations/bosh-lite.yml')],
      vars: {},
      varsFiles: [],
    });
    expect(lacksOfCloudConfig(parse(manifest), parse(config))).toEqual([]);
  });
});

async function treeOf(checkout: string, commit: string): Promise<string> {
  const { stdout } = await run(['git', '-C', checkout, 'rev-parse', `${commit}^{tree}`], {
    timeoutMs: 20_000,
  });
  return stdout.trim();
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('there is none');
  return value;
}
