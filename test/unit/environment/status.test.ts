import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { writeRecord } from '../../../src/environment/record.ts';
import { list, status } from '../../../src/environment/status.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { recordWith } from '../../support/environment-record.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a libvirt that does not answer makes a state unknown; Ctrl-C makes none', async () => {
  await using data = await mkdtempDisposable(join(tmpdir(), 'status-'));
  vi.stubEnv('XDG_DATA_HOME', data.path);
  await writeRecord(recordWith({ uri: `qemu:///system?socket=${data.path}/nobody` }));
  const { signal } = new AbortController();
  expect(await status('work', silentLog, signal)).toMatchObject({ state: 'unknown' });
  const interrupted = AbortSignal.abort(new Error('interrupted'));
  await expect(status('work', silentLog, interrupted)).rejects.toThrow('interrupted');
  await expect(list(silentLog, interrupted)).rejects.toThrow('interrupted');
});
