import { expect, test } from 'vitest';
import { wardenStemcell } from '../../../../src/environment/cf/warden-stemcell.ts';

test.each([
  ['ubuntu-jammy', 'bosh-warden-boshlite-ubuntu-jammy-go_agent'],
  ['ubuntu-noble', 'bosh-warden-boshlite-ubuntu-noble'],
  ['ubuntu-resolute', 'bosh-warden-boshlite-ubuntu-resolute'],
])('the stemcell for containers of %s is %s', (os, name) => {
  expect(wardenStemcell({ os, version: '1.330' })).toEqual({
    os,
    version: '1.330',
    name,
    url: `https://bosh.io/d/stemcells/${name}?v=1.330`,
  });
});
