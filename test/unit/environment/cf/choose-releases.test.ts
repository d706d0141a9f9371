import { expect, test } from 'vitest';
import { chooseReleases, type ReleaseQuestion } from '../../../../src/environment/cf/choose-releases.ts';

const noble = (version: string) => ({ os: 'ubuntu-noble', version });
const question: ReleaseQuestion = {
  wanted: noble('1.425'),
  wantedByUser: false,
  releases: new Map([
    ['capi', '1.2.0'],
    ['uaa', '79.3.0'],
  ]),
  compiled: [
    { name: 'capi', version: '1.2.0', stemcell: noble('1.333') },
    { name: 'uaa', version: '79.3.0', stemcell: noble('1.333') },
  ],
  canHaveTheirs: true,
};

test('the stemcell becomes that of the compiled releases', () => {
  expect(chooseReleases(question)).toEqual({
    compiled: true,
    stemcell: noble('1.333'),
    why: "2 releases are compiled for ubuntu-noble 1.333: that stemcell is used instead of the manifest's 1.425",
  });
});

test('releases that were compiled for the stemcell change nothing', () => {
  const choice = chooseReleases({ ...question, wanted: noble('1.333') });
  expect(choice).toMatchObject({ compiled: true, stemcell: noble('1.333') });
  expect(choice.why).toContain("the manifest's stemcell");
});

test.each([
  ['a stemcell that cannot be had', { canHaveTheirs: false }],
  ['a stemcell that a user chose', { wantedByUser: true }],
])('%s: another version of the same line will do', (_, change) => {
  const choice = chooseReleases({ ...question, ...change });
  expect(choice).toMatchObject({ compiled: true, stemcell: noble('1.425') });
  expect(choice.why).toContain('fits its line');
});

test.each<[string, Partial<ReleaseQuestion>, string]>([
  ['there are none', { compiled: [] }, 'names no compiled ones'],
  [
    'they are for several stemcells',
    { compiled: [...question.compiled, { name: 'pxc', version: '2', stemcell: noble('1.425') }] },
    'for ubuntu-noble 1.333 and ubuntu-noble 1.425',
  ],
  ['a version differs', { releases: new Map([['uaa', '80.0.0']]) }, 'the manifest has 80.0.0'],
  ['another OS is wanted', { wanted: { os: 'ubuntu-jammy', version: '1.333' } }, 'not ubuntu-jammy'],
  ['a user chose another line', { wanted: noble('2.1'), wantedByUser: true }, 'for ubuntu-noble 1.333'],
])('releases are compiled where %s', (_, change, reason) => {
  const choice = chooseReleases({ ...question, ...change });
  expect(choice).toMatchObject({ compiled: false, stemcell: change.wanted ?? question.wanted });
  expect(choice.why).toContain(reason);
});

test('a release that the manifest does not have decides nothing', () => {
  const compiled = [...question.compiled, { name: 'gone', version: '1', stemcell: noble('1.333') }];
  expect(chooseReleases({ ...question, compiled }).compiled).toBe(true);
});
