import { mkdtempDisposable, open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../../src/platform/process.ts';
import { guestLog } from '../../../../stemcells/probe/agent/log.ts';

const line = 'x'.repeat(1000);

test('a console that nobody reads does not hold the agent up, and the file has every line', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'log-'));
  const [console, file] = [join(folder.path, 'console'), join(folder.path, 'log', 'current')];
  await run(['mkfifo', console]);
  // a FIFO can be opened for writing at once if somebody has it open already
  await using _reader = await open(console, 'r+');
  const log = guestLog(console, file);
  for (let count = 0; count < 200; count++) log(line);
  expect((await readFile(file, 'utf8')).split('\n').filter((text) => text.endsWith(line))).toHaveLength(200);
});

test('a machine without a console has the file', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'log-'));
  const [console, file] = [join(folder.path, 'console'), join(folder.path, 'current')];
  guestLog(console, file)('hello');
  expect(await readFile(file, 'utf8')).toMatch(/Z \[agent\] hello\n$/);
  await expect(readFile(console)).rejects.toThrow('ENOENT');
});
