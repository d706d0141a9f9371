import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { writeRecord } from '../../../src/environment/record.ts';
import { decideWorkload } from '../../../src/environment/workload.ts';
import { recordWith } from '../../support/environment-record.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const network = recordWith().network;
/** A private host's ranges clash with nothing of this machine's. */
const place = {
  chosen: { backend: 'qemu', uri: 'qemu:///system?socket=/s', host: 'private' as const },
  network,
};

async function withEnvironments() {
  const data = await mkdtempDisposable(join(tmpdir(), 'workload-'));
  vi.stubEnv('XDG_DATA_HOME', data.path);
  return data;
}

test('the first environment has the range and the router that bosh-lite has always had', async () => {
  await using _ = await withEnvironments();
  expect(await decideWorkload('default', {}, place, undefined)).toEqual({
    cidr: '10.244.0.0/16',
    router: '10.244.0.34',
    domain: 'bosh.test',
  });
});

test('another one beside it has the next range, and a domain of its own', async () => {
  await using _ = await withEnvironments();
  const workload = { cidr: '10.244.0.0/16', router: '10.244.0.34', domain: 'bosh.test' };
  await writeRecord(recordWith({ uri: place.chosen.uri, workload }));
  const next = { cidr: '10.245.0.0/16', router: '10.245.0.34', domain: 'more.bosh.test' };
  expect(await decideWorkload('more', {}, place, undefined)).toEqual(next);
  await expect(
    decideWorkload('more', { workloadCidr: '10.244.64.0/20' }, place, undefined),
  ).rejects.toMatchObject({
    code: 'ADDRESS_CONFLICT',
    message: expect.stringContaining("10.244.0.0/16 of environment 'work'"),
  });
  const otherDriver = {
    ...place,
    chosen: { ...place.chosen, backend: 'lxc', uri: 'lxc:///system?socket=/s' },
  };
  expect(await decideWorkload('more', {}, otherDriver, undefined)).toEqual(next);
  const elsewhere = { ...place, chosen: { ...place.chosen, uri: 'qemu:///system?socket=/other' } };
  expect(await decideWorkload('more', {}, elsewhere, undefined)).toMatchObject({ cidr: workload.cidr });
});

test('what was decided stays, but for another domain', async () => {
  await using _ = await withEnvironments();
  const workload = { cidr: '10.250.0.0/16', router: '10.250.0.34', domain: 'bosh.test' };
  const before = recordWith({ profile: 'lite', workload });
  expect(await decideWorkload('work', {}, place, before)).toEqual(workload);
  const renamed = await decideWorkload('work', { domain: 'cf.example.com' }, place, before);
  expect(renamed).toEqual({ ...workload, domain: 'cf.example.com' });
});

test.each([
  [{ workloadCidr: '10.244.0.0/24' }, 'USAGE', 'too small'],
  [{ workloadCidr: '10.244.0.1/16' }, 'USAGE', 'first address'],
  [{ workloadCidr: '192.168.64.0/20' }, 'ADDRESS_CONFLICT', 'own network'],
  [{ domain: 'Bosh_Test' }, 'USAGE', 'not a domain'],
])('%j is refused', async (request, code, words) => {
  await using _ = await withEnvironments();
  await expect(decideWorkload('work', request, place, undefined)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  });
});
