import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CloudError, cloudErrorTypes } from '../../../src/cpi/errors.ts';
import { failure } from '../../../src/cpi/wire.ts';
import { packageRoot } from '../../../src/platform/package-root.ts';

/** The rows of the documented table, by cells. */
const rows = readFileSync(join(packageRoot(), 'docs/cpi-errors.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('the documented types are those that there are, each once and with all that is to be said', () => {
  expect(rows.map((row) => row[1])).toEqual(cloudErrorTypes.map((type) => `\`${type}\``));
  for (const row of rows) expect(row.filter((cell) => cell !== '')).toHaveLength(4);
});

test('only a failed create_vm is documented as worth another try', () => {
  const retried = rows.filter((row) => row[3] !== 'false').map((row) => row[1]);
  expect(retried).toEqual(['`VMCreationFailed`']);
});

test('nothing is tried again unless somebody says that it may be', () => {
  for (const type of cloudErrorTypes) {
    expect(failure(new CloudError(type, 'x')).error).toEqual({
      type: `Bosh::Clouds::${type}`,
      message: 'x',
      ok_to_retry: false,
    });
  }
});
