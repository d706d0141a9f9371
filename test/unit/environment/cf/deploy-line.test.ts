import { expect, test } from 'vitest';
import { readDeployLine } from '../../../../src/environment/cf/deploy-line.ts';

test.each([
  [
    'Task 12 | 10:04:31 | Updating instance api: api/7d2c (0) (canary) (00:02:03)',
    { task: 12, text: 'Updating instance api: api/7d2c (0) (canary) (00:02:03)' },
  ],
  ['Task 3 | 10:04:31 | Error: no space', { task: 3, text: 'Error: no space' }],
])('%s', (line, read) => {
  expect(readDeployLine(line)).toEqual(read);
});

test.each(['Task 12 done', 'Task 12', '+ name: cf', ''])("'%s' is of no task's steps", (line) => {
  expect(readDeployLine(line)).toBeUndefined();
});
