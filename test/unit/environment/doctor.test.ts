/** What doctor says of backends, on a machine on whose PATH no program is. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { backendNames } from '../../../src/cpi/backends/registry.ts';
import { automaticBackend } from '../../../src/environment/choose-backend.ts';
import { doctor } from '../../../src/environment/doctor.ts';
import { writeRecord } from '../../../src/environment/record.ts';
import { recordWith } from '../../support/environment-record.ts';

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'bv-doctor-'));
  vi.stubEnv('XDG_DATA_HOME', data);
  vi.stubEnv('PATH', data);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(data, { recursive: true });
});

const packagesOf = async (backend: string, asked?: string) =>
  (await doctor(asked)).find(({ id }) => id === `${backend}.packages`);

test('every finding has an id of its own; those of a backend begin with its name', async () => {
  const findings = await doctor(undefined);
  expect(new Set(findings.map(({ id }) => id)).size).toBe(findings.length);
  for (const { id, backend, status, fix } of findings) {
    if (backend !== undefined) expect(id).toMatch(new RegExp(`^${backend}\\.`));
    expect(fix === undefined).toBe(status === 'ok');
  }
  expect(new Set(findings.flatMap(({ backend }) => backend ?? []))).toEqual(new Set(backendNames));
});

test('it says which backend up would take, and why', async () => {
  const { module, why } = await automaticBackend();
  expect((await doctor(undefined)).find(({ id }) => id === 'backend.auto')).toMatchObject({
    status: 'ok',
    detail: `${module.name}: ${why}`,
  });
});

test.each(backendNames)(
  'what %s lacks fails if up would take it, it was asked for or an environment is on it',
  async (name) => {
    const isTaken = (await automaticBackend()).module.name === name;
    expect(await packagesOf(name)).toMatchObject({ status: isTaken ? 'fail' : 'warn' });
    expect(await packagesOf(name, name)).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('libvirt-clients'),
      fix: expect.stringContaining(`boshvirt doctor --fix --backend ${name}`),
    });
    await writeRecord(recordWith({ backend: name }));
    expect(await packagesOf(name)).toMatchObject({ status: 'fail' });
  },
);

test('asked for one, it looks at no other', async () => {
  for (const name of backendNames) {
    const backends = (await doctor(name)).flatMap(({ backend }) => backend ?? []);
    expect(new Set(backends)).toEqual(new Set([name]));
  }
});
