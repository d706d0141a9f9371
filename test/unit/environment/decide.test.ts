import { mkdtempDisposable } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { decideEnvironment } from '../../../src/environment/decide.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a session's pool lies in the user's home, also where nothing sets HOME", async () => {
  await using data = await mkdtempDisposable(join(tmpdir(), 'decide-'));
  vi.stubEnv('XDG_DATA_HOME', data.path);
  vi.stubEnv('HOME', undefined);
  const request = { engine: 'builtin', cidr: '10.9.8.0/24' };
  const chosen = { backend: 'qemu', uri: 'qemu+ssh://host/session', host: 'given' } as const;
  const { pool } = await decideEnvironment('work', request, chosen, undefined);
  expect(pool.path).toBe(join(homedir(), '.local/share/libvirt/boshvirt-work'));
});
