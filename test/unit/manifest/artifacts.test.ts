import { expect, test } from 'vitest';
import { artifactsOf } from '../../../src/manifest/artifacts.ts';

const sha1 = 'f41d1fec0ab8e706942aa61c46429e5d70843e67';
const sha256 = '5a37b97085ad2656984a4ec15d051b4e0ebd3262a9f55d844daf01b46b90f268';

test('releases and the stemcell are told by address and checksum', () => {
  const manifest = `
releases:
- {name: bosh, version: 283.1.6, url: "https://x.test/bosh.tgz", sha1: ${sha1}}
- {name: os-conf, version: 18, url: "https://x.test/os-conf?v=18", sha1: "sha256:${sha256}"}
resource_pools:
- name: vms
  stemcell: {url: "https://x.test/1.484/bosh-stemcell-1.484-openstack-kvm-ubuntu-noble.tgz", sha1: "${sha1};sha256:${sha256}"}
`;
  expect(artifactsOf(manifest)).toEqual([
    { name: 'release bosh/283.1.6', urls: ['https://x.test/bosh.tgz'], sha1 },
    {
      name: 'release os-conf/18',
      urls: ['https://x.test/os-conf?v=18'],
      sha256,
      digest: `sha256:${sha256}`,
    },
    {
      name: 'stemcell bosh-stemcell-1.484-openstack-kvm-ubuntu-noble',
      urls: ['https://x.test/1.484/bosh-stemcell-1.484-openstack-kvm-ubuntu-noble.tgz'],
      sha1,
      sha256,
      digest: `${sha1};sha256:${sha256}`,
    },
  ]);
});

test('files of this machine are told too; what has no address, or an open one, is not', () => {
  const manifest = `
releases:
- {name: mine, url: "file:///x/mine.tgz"}
- {name: boshvirt-cpi, url: ((boshvirt_cpi_release_url)), sha1: ((boshvirt_cpi_release_sha1))}
- {name: beside, url: beside.tgz}
resource_pools:
- {name: vms}
`;
  expect(artifactsOf(manifest)).toEqual([{ name: 'release mine', urls: ['file:///x/mine.tgz'] }]);
});

test('a runtime config has releases, a manifest may have none, and what is no manifest has none', () => {
  expect(artifactsOf('releases: [{name: bosh-dns, version: "1", url: "https://x.test/d.tgz"}]')).toHaveLength(
    1,
  );
  expect(artifactsOf('name: x\nreleases:\n')).toEqual([]);
  expect(artifactsOf('- a list')).toEqual([]);
});
