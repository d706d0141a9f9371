import { expect, test } from 'vitest';
import { wardenStemcell } from '../../../../src/environment/cf/warden-stemcell.ts';

test.each([
  ['ubuntu-jammy', 'bosh-warden-boshlite-ubuntu-jammy-go_agent'],
  ['ubuntu-noble', 'bosh-warden-boshlite-ubuntu-noble'],
  ['ubuntu-resolute', 'bosh-warden-boshlite-ubuntu-resolute'],
])('the stemcell for containers of %s is %s', (os, name) => {
  expect(wardenStemcell({ os, version: '1.330' }, [])).toEqual({
    os,
    version: '1.330',
    name,
    url: `https://bosh.io/d/stemcells/${name}?v=1.330`,
  });
});

test('a pinned one comes with its checksum', () => {
  const pin = {
    name: 'n',
    os: 'ubuntu-noble',
    version: '1.333',
    url: 'https://here.test/s.tgz',
    sha1: 'a'.repeat(40),
  };
  const other = { ...pin, version: '1.425', sha1: 'b'.repeat(40) };
  expect(wardenStemcell({ os: 'ubuntu-noble', version: '1.333' }, [other, pin])).toEqual(pin);
});
