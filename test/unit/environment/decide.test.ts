import { mkdtempDisposable } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { decideEnvironment, decideRanges } from '../../../src/environment/decide.ts';
import { writeRecord } from '../../../src/environment/record.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a session's pool lies in the user's home, also where nothing sets HOME", async () => {
  await using data = await mkdtempDisposable(join(tmpdir(), 'decide-'));
  vi.stubEnv('XDG_DATA_HOME', data.path);
  vi.stubEnv('HOME', undefined);
  const request = { profile: 'machine', engine: 'builtin', cidr: '10.9.8.0/24' };
  const chosen = { backend: 'qemu', uri: 'qemu+ssh://host/session', host: 'given' } as const;
  const { pool } = await decideEnvironment('work', request, chosen, undefined);
  expect(pool.path).toBe(join(homedir(), '.local/share/libvirt/boshvirt-work'));
});

test('a director has the bosh CLI for its engine, and bosh-deployment', async () => {
  await using data = await mkdtempDisposable(join(tmpdir(), 'decide-'));
  vi.stubEnv('XDG_DATA_HOME', data.path);
  const chosen = { backend: 'qemu', uri: 'qemu:///system?socket=/s', host: 'private' } as const;
  const decided = await decideEnvironment('work', { profile: 'director' }, chosen, undefined);
  expect(decided).toMatchObject({ profile: 'director', engine: 'bosh-cli', boshDeployment: 'pinned' });
  expect(decided.workload).toBeUndefined();
  const lite = { profile: 'lite', boshDeployment: 'here', workloadStemcell: 'none' };
  expect(await decideEnvironment('work', lite, chosen, undefined)).toMatchObject({
    boshDeployment: join(process.cwd(), 'here'),
    workloadStemcell: 'none',
    workload: { domain: 'work.bosh.test' },
  });
  const builtin = decideEnvironment('work', { profile: 'lite', engine: 'builtin' }, chosen, undefined);
  await expect(builtin).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

test('of two that begin at once, the second finds other ranges than those that both have found', async () => {
  await using data = await mkdtempDisposable(join(tmpdir(), 'decide-'));
  vi.stubEnv('XDG_DATA_HOME', data.path);
  const chosen = { backend: 'qemu', uri: 'qemu:///system?socket=/s', host: 'private' } as const;
  const lite = { profile: 'lite' };
  const first = await decideEnvironment('one', lite, chosen, undefined);
  const second = await decideEnvironment(
    'two',
    lite,
    { ...chosen, backend: 'lxc', uri: 'lxc:///system?socket=/s' },
    undefined,
  );
  expect([second.network.cidr, second.workload?.cidr]).toEqual([first.network.cidr, first.workload?.cidr]);
  await writeRecord(first);
  const again = await decideRanges('two', lite, second, undefined);
  expect(again.network.cidr).not.toBe(first.network.cidr);
  expect(again.workload).toEqual({ cidr: '10.245.0.0/16', router: '10.245.0.34', domain: 'two.bosh.test' });
});
