import { expect, test } from 'vitest';
import { judgeSize, refuseTooSmall } from '../../../../src/environment/cf/judge-size.ts';
import { sizes } from '../../../../src/environment/up-settings.ts';

test('the size for Cloud Foundry is as recommended', () => {
  expect(judgeSize(sizes.cf, 'recommended')).toEqual([]);
  expect(() => refuseTooSmall({ name: 'work', resources: sizes.cf })).not.toThrow();
});

test('eight GiB are enough, and little', () => {
  const resources = { ...sizes.cf, memoryMb: 8192, cpus: 2 };
  expect(judgeSize(resources, 'floor')).toEqual([]);
  expect(judgeSize(resources, 'recommended')).toEqual([
    '8 GiB of 14 GiB memory',
    '2 of 4 virtual processors',
  ]);
});

test('a machine that is too small is refused with all that it lacks and what to type', () => {
  const resources = { ...sizes.cf, memoryMb: 4096, persistentDiskMb: 16_384 };
  expect(() => refuseTooSmall({ name: 'work', resources })).toThrow(
    expect.objectContaining({
      code: 'NO_RESOURCES',
      message: expect.stringMatching(/4 GiB of 8 GiB memory, 16 GiB of 40 GiB persistent disk/),
      hints: ['make it larger: boshvirt up work --size cf'],
    }),
  );
});
