import { expect, test } from 'vitest';
import { requireFiles } from '../../../src/environment/inputs.ts';

test('what a person named has to be a file that can be read', async () => {
  await requireFiles('ops-file', [import.meta.filename]);
  await expect(requireFiles('ops-file', [import.meta.filename, '/nowhere/ops.yml'])).rejects.toMatchObject({
    code: 'USAGE',
    message: 'The ops-file /nowhere/ops.yml cannot be read: there is no such file',
  });
  await expect(requireFiles('variables file', [import.meta.dirname])).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('it is a folder'),
  });
});
