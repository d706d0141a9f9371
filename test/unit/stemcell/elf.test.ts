import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../src/platform/process.ts';
import { isElf, neededLibraries, withoutSymbols } from '../../../src/stemcell/elf.ts';

const onLinux = process.platform === 'linux' && process.arch === 'x64';

test.runIf(onLinux)(
  "Node's own program: its libraries are found, and it runs without its symbols",
  async () => {
    const node = await readFile(process.execPath);
    expect(neededLibraries(node)).toEqual(expect.arrayContaining(['libc.so.6', 'libstdc++.so.6']));
    await using folder = await mkdtempDisposable(join(tmpdir(), 'elf-'));
    const path = join(folder.path, 'node');
    const smaller = withoutSymbols(node);
    await writeFile(path, smaller, { mode: 0o755 });
    expect(smaller.length).toBeLessThan(node.length);
    expect((await run([path, '--version'])).stdout.trim()).toBe(process.version);
  },
);

test('a text is no ELF file', () => {
  expect(isElf(Buffer.from(`#!/bin/sh\n${' '.repeat(100)}`))).toBe(false);
  expect(() => neededLibraries(Buffer.from('text'))).toThrow(/not a 64-bit/);
});
