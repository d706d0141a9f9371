/** What `recover` asks a director of its deployments, and has it do. */
import { afterEach, expect, test, vi } from 'vitest';
import { recoverDeployments, setDeploymentClocks } from '../../../src/environment/recover-director.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { scriptedDirector } from './director/scripted-director.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const table = (...rows: object[]) => JSON.stringify({ Tables: [{ Rows: rows }], Lines: [] });
/** A director with one deployment that is well, one of which half does not answer, and one without VMs. */
const script = `case "$*" in
  "deployments --json") echo '${table({ name: 'well' }, { name: 'half' }, { name: 'empty' })}' ;;
  "-d well vms --json") echo '${table({ process_state: 'running' })}' ;;
  "-d half vms --json") echo '${table({ process_state: 'running' }, { process_state: 'unresponsive agent' })}' ;;
  "-d empty vms --json") echo '${table()}' ;;
  "-d half cloud-check --auto") echo "Task 9 done" ;;
  *) exit 1 ;;
esac`;
const caller = { log: silentLog, signal: new AbortController().signal };

test('each deployment is looked at, and none is touched unasked', async () => {
  await using scene = await scriptedDirector(script);
  const said: string[] = [];
  const report = await recoverDeployments(scene.record, false, caller, (line) => said.push(line));
  expect(report).toEqual([
    { part: 'deployment', name: 'well', found: '1 VMs run', done: undefined },
    { part: 'deployment', name: 'half', found: '1 of 2 VMs do not run', done: undefined },
    { part: 'deployment', name: 'empty', found: '0 VMs run', done: undefined },
  ]);
  expect(said).toContain('half: 1 of 2 VMs do not run');
  expect(await scene.read('calls')).not.toContain('cloud-check');
});

test('after a restart the director answers before UAA does: it is asked again', async () => {
  const late = '[ "$(wc -l < "$dir/calls")" -gt 1 ] || { echo "UAA refuses" >&2; exit 1; }';
  await using scene = await scriptedDirector(`${late}\n${script}`);
  const said: string[] = [];
  const report = await recoverDeployments(scene.record, false, caller, (line) => said.push(line));
  expect(said[0]).toBe('not yet: bosh deployments failed: UAA refuses');
  expect(report).toHaveLength(3);
});

test('with cloudCheck the director mends the one that is not well, and no other', async () => {
  await using scene = await scriptedDirector(script);
  const said: string[] = [];
  const report = await recoverDeployments(scene.record, true, caller, (line) => said.push(line));
  expect(report.filter(({ done }) => done !== undefined)).toMatchObject([
    { name: 'half', done: 'bosh cloud-check --auto' },
  ]);
  expect((await scene.read('calls')).match(/.*cloud-check.*/g)).toEqual(['-d half cloud-check --auto']);
  expect(said).toContain('Task 9 done');
});

test('a director that cannot mend says why', async () => {
  await using scene = await scriptedDirector(
    script.replace('echo "Task 9 done"', 'echo "no quota" >&2; exit 1'),
  );
  await expect(recoverDeployments(scene.record, true, caller, () => {})).rejects.toMatchObject({
    code: 'DIRECTOR',
    message: expect.stringContaining('no quota'),
  });
});

test('the clocks of VMs that have slept are set through the director; one that cannot be told keeps nobody', async () => {
  const telling = script.replace('*) exit 1', `"-d well ssh -c sudo"*|"-d empty ssh"*) ;;\n  *) exit 1`);
  await using scene = await scriptedDirector(telling);
  const report = await setDeploymentClocks(scene.record, caller, () => {});
  expect(report.map(({ name, done }) => [name, done])).toEqual([
    ['well', 'set'],
    ['half', undefined],
    ['empty', 'set'],
  ]);
  expect(await scene.read('calls')).toMatch(
    /^-d well ssh -c sudo -n hwclock -s -u \|\| sudo -n date -u -s @\d{10}$/m,
  );
});
