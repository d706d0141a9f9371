import { mkdtempDisposable, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFilesystem } from '../../../../../src/cpi/backends/lxc/filesystems.ts';
import { writeEmptyPartitionTable } from '../../../../../src/cpi/backends/lxc/partition-table.ts';
import { run } from '../../../../../src/platform/process.ts';

test('a disk is a file system and a table without partitions at the same time', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'table-'));
  const path = join(folder.path, 'disk.img');
  await writeFile(path, '');
  await truncate(path, 64 * 1024 * 1024);
  await makeFilesystem(path);
  await writeEmptyPartitionTable(path);
  const { stdout } = await run(['blkid', '--probe', '--output', 'export', path]);
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['TYPE=ext4', 'PTTYPE=dos']));
  // what lists partitions finds none: 1 with nothing said
  expect((await run(['partx', '--show', '--noheadings', path], { okExitCodes: [1] })).stdout).toBe('');
  expect((await run(['e2fsck', '-f', '-n', path])).exitCode).toBe(0);
});
