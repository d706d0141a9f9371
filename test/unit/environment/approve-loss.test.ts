import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { approveLoss } from '../../../src/environment/approve-loss.ts';
import { distance } from '../../../src/environment/distance.ts';
import { environmentPaths } from '../../../src/environment/paths.ts';
import type { Caller } from '../../../src/environment/steps/step.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { recordWith } from '../../support/environment-record.ts';

let data: string;
/** After a reboot, say: its private host does not run. */
const record = recordWith({ host: 'private' });
const paths = () => environmentPaths(record.name);
const questions: string[] = [];
const refusing: Caller = {
  log: silentLog,
  signal: new AbortController().signal,
  runSteps: async () => {},
  confirm: async (question) => {
    questions.push(question);
    return false;
  },
  tell: () => {},
};

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'loss-'));
  vi.stubEnv('XDG_DATA_HOME', data);
  await mkdir(paths().folder, { recursive: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  questions.length = 0;
  await rm(data, { recursive: true, force: true });
});

test('snapshots that nobody can list now are asked for by their kept files', async () => {
  await approveLoss(record, refusing);
  expect(questions).toEqual([]);
  await mkdir(join(paths().snapshots, 'first'), { recursive: true });
  await expect(approveLoss(record, refusing)).rejects.toMatchObject({ code: 'DECLINED' });
  expect(questions).toEqual([expect.stringContaining('its snapshots are lost: first.')]);
});

test('what only a new machine mends is no repair: state or credentials that are gone', async () => {
  const options = { recreate: false, offline: false, adoptDisk: undefined, boshvirtCommand: 'boshvirt' };
  await writeFile(paths().credentials, '{}');
  expect(await distance(record, {}, options, refusing)).toBe('remake');
  await writeFile(paths().state, '{"current_vm_cid": "vm-1"}');
  expect(await distance(record, {}, options, refusing)).toBe('repair');
  await rm(paths().credentials);
  expect(await distance(record, {}, options, refusing)).toBe('remake');
});
