import { afterEach, expect, test, vi } from 'vitest';
import { waitForLogin } from '../../../../src/environment/director/wait-for-login.ts';
import { scriptedDirector } from './scripted-director.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const { signal } = new AbortController();
const patience = { timeoutMs: 60_000, intervalMs: 1 };

test('a director whose UAA is not up yet is asked again', async () => {
  await using scene = await scriptedDirector(
    '[ "$(wc -l < "$dir/calls")" -gt 2 ] || { echo "connection refused" >&2; exit 1; }',
  );
  const said: string[] = [];
  await waitForLogin(await scene.bosh(), { signal }, (line) => said.push(line), patience);
  expect(said).toEqual(['not yet: bosh deployments failed: connection refused']);
  expect((await scene.read('calls')).split('\n').filter(Boolean)).toHaveLength(3);
});

test('what bosh said last is told in the end', async () => {
  await using scene = await scriptedDirector('echo "Not authorized" >&2; exit 1');
  const waiting = waitForLogin(await scene.bosh(), { signal }, () => {}, { timeoutMs: 1, intervalMs: 1 });
  await expect(waiting).rejects.toMatchObject({
    code: 'DIRECTOR',
    message: expect.stringContaining('Not authorized'),
  });
});

test('a director that takes the question and never answers is asked again', async () => {
  await using scene = await scriptedDirector('[ "$(wc -l < "$dir/calls")" -gt 1 ] || exec sleep 600');
  const said: string[] = [];
  const patient = { ...patience, answerMs: 200 };
  await waitForLogin(await scene.bosh(), { signal }, (line) => said.push(line), patient);
  expect(said).toEqual([expect.stringMatching(/^not yet: .*did not end within 0\.2 s/)]);
});
