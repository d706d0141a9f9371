import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { guestPlace, withResolver } from '../../../src/environment/guest-place.ts';
import { run } from '../../../src/platform/process.ts';
import { recordWith } from '../../support/environment-record.ts';

test('where the guests are on the machine itself, commands are as good anywhere', async () => {
  expect(await guestPlace(recordWith({ host: 'system' }))).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)(
  'a command sees the resolver that it is given, nobody else does, and its words stay whole (needs root, for a mount)',
  async () => {
    const before = await readFile('/etc/resolv.conf', 'utf8');
    await using folder = await mkdtempDisposable(join(tmpdir(), "bv-it's "));
    const path = join(folder.path, 'resolv.conf');
    await writeFile(path, 'nameserver 192.0.2.1\n');
    const argv = [...withResolver(path), 'sh', '-c', 'cat /etc/resolv.conf; echo "$1"', 'sh', "two  words'"];
    const { stdout } = await run(argv as [string, ...string[]], { timeoutMs: 20_000 });
    expect(stdout).toBe("nameserver 192.0.2.1\ntwo  words'\n");
    expect(await readFile('/etc/resolv.conf', 'utf8')).toBe(before);
  },
);
