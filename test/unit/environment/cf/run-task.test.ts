import { writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { runTask } from '../../../../src/environment/cf/run-task.ts';
import { scriptedDirector } from '../director/scripted-director.ts';
import { quietCaller } from './lite-scene.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const names = { environment: 'work', deployment: 'cf' };

test('the steps of the task are said as they come', async () => {
  await using scene = await scriptedDirector(`
    echo "Using environment"
    echo "Task 7 | 10:00:00 | Preparing deployment: Preparing deployment (00:00:02)"
    echo "Task 7 done"`);
  const said: string[] = [];
  const options = { ...names, caller: quietCaller(), say: (line: string) => said.push(line) };
  await runTask(await scene.bosh(), ['deploy'], options);
  expect(said).toEqual(['Preparing deployment: Preparing deployment (00:00:02)']);
});

test('a step is said while it runs, and again with how long it took', async () => {
  await using scene = await scriptedDirector(`
    printf "Task 7 | 10:00:00 | Updating instance database: database/1 (0)"
    until [ -e "$dir/said" ]; do sleep 0.05; done
    echo " (00:02:00)"; printf "Task 7 | 10:00:02 | Updating instance api: api/1 (0)\n"`);
  const said: string[] = [];
  const say = (line: string) => {
    said.push(line);
    writeFileSync(scene.path('said'), '');
  };
  await runTask(await scene.bosh(), ['deploy'], { ...names, caller: quietCaller(), say });
  expect(said).toEqual([
    'Updating instance database: database/1 (0)',
    'Updating instance database: database/1 (0) (00:02:00)',
    'Updating instance api: api/1 (0)',
  ]);
});

test('a failure has the words of bosh, the task and how to go on', async () => {
  await using scene = await scriptedDirector(`
    echo "Task 7 | 10:00:00 | Error: 'api/0' is not running after update"; exit 1`);
  const options = { ...names, caller: quietCaller(), say: () => {} };
  await expect(runTask(await scene.bosh(), ['deploy'], options)).rejects.toMatchObject({
    code: 'DIRECTOR',
    message: expect.stringContaining("'api/0' is not running after update"),
    hints: [
      'all that the director did: boshvirt exec work -- bosh task 7 --debug',
      'how the instances are: boshvirt exec work -- bosh -d cf instances --ps',
      'the same command again goes on from there',
    ],
  });
});

test('an interruption has the director cancel the task', async () => {
  await using scene = await scriptedDirector(`
    [ "$1" = cancel-task ] && exit 0
    echo "Task 7 | 10:00:00 | Updating instance api: api/0"; exec sleep 60`);
  const interrupt = new AbortController();
  const caller = quietCaller(interrupt.signal);
  const options = { ...names, caller, say: () => interrupt.abort(new Error('Ctrl-C')) };
  await expect(runTask(await scene.bosh(), ['deploy'], options)).rejects.toThrow('Ctrl-C');
  expect(await scene.read('calls')).toBe('deploy\ncancel-task 7\n');
  expect(caller.said).toEqual(['task 7 of the director is cancelled; it ends once its step has']);
});
