import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { readLog } from '../../../src/environment/logs.ts';
import { environmentPaths } from '../../../src/environment/paths.ts';
import { writeRecord } from '../../../src/environment/record.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { recordWith } from '../../support/environment-record.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a program that is not installed is told', async () => {
  await using home = await mkdtempDisposable(join(tmpdir(), 'logs-'));
  for (const name of ['XDG_DATA_HOME', 'XDG_STATE_HOME', 'PATH']) vi.stubEnv(name, home.path);
  await writeRecord(recordWith());
  const { logs } = environmentPaths('work');
  await mkdir(logs, { recursive: true });
  await writeFile(join(logs, 'create-env.log'), 'said\n');
  const options = { follow: true, log: silentLog, signal: new AbortController().signal };
  const reading = readLog('work', 'cpi', options).next();
  await expect(reading).rejects.toMatchObject({
    code: 'PREFLIGHT',
    message: expect.stringContaining('tail is not installed'),
  });
});
