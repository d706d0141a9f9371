import { mkdtempDisposable, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AuditLog } from '../../../../src/cpi/serve/audit-log.ts';
import { silentLog } from '../../../../src/platform/log.ts';

test('a log that got too long is put aside, and the oldest goes', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-audit-'));
  const path = join(folder.path, 'a.log');
  const audit = new AuditLog({ path, log: silentLog, maxBytes: 200 });
  for (let at = 0; at < 40; at++) audit.note({ at, text: 'x\ny'.repeat(10) });
  expect((await readdir(folder.path)).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3']);
  const numbers: number[] = [];
  for (const name of ['a.log.3', 'a.log.2', 'a.log.1', 'a.log']) {
    const { size, mode } = await stat(join(folder.path, name));
    expect([size <= 200, mode & 0o777]).toEqual([true, 0o600]);
    const lines = (await readFile(join(folder.path, name), 'utf8')).trim().split('\n');
    numbers.push(...lines.map((line) => (JSON.parse(line) as { at: number }).at));
  }
  expect(numbers).toEqual(numbers.map((_, at) => 40 - numbers.length + at));
});

test('a log that cannot be written is told of and stops nobody', () => {
  const said: string[] = [];
  const log = { ...silentLog, warn: (line: string) => void said.push(line) };
  new AuditLog({ path: '/nonexistent/a.log', log }).note({});
  expect(said).toEqual([expect.stringContaining('/nonexistent/a.log cannot be written')]);
});
