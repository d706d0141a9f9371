import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UserError } from '../../../src/platform/errors.ts';
import { executable } from '../../../src/verify/run-executable.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cpi-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function script(name: string, text: string) {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return executable([path]);
}

test('the request arrives on stdin, which then ends, and there are no arguments', async () => {
  const cpi = await script('echo', 'cat; echo " $#"; echo log >&2');
  const answer = await cpi('{"method":"info"}', 'director');
  expect(answer).toEqual({ stdout: '{"method":"info"} 0\n', stderr: 'log\n', exitCode: 0, heldOpen: false });
});

test("the director's surroundings are bare, the command line's are its user's and two variables more", async () => {
  process.env.VERIFY_TEST = 'set';
  const cpi = await script('env', 'echo "$PATH|$VERIFY_TEST|$BOSH_JOBS_DIR|$TMPDIR"');
  expect((await cpi('', 'director')).stdout).toBe(`/usr/sbin:/usr/bin:/sbin:/bin|||${tmpdir()}\n`);
  expect((await cpi('', 'cli')).stdout).toMatch(`${process.env.PATH}|set|/var/vcap/jobs|`);
  delete process.env.VERIFY_TEST;
});

test('an exit status and a signal are told', async () => {
  expect((await (await script('three', 'exit 3'))('', 'director')).exitCode).toBe(3);
  expect((await (await script('killed', 'kill -9 $$'))('', 'director')).exitCode).toBeUndefined();
});

test('one that does not read its request is heard all the same', async () => {
  const cpi = await script('deaf', 'exec <&-; echo answer');
  expect((await cpi('x'.repeat(1 << 20), 'director')).stdout).toBe('answer\n');
});

test('a helper that keeps stdout open is noticed, and not waited for', async () => {
  const cpi = await script('daemon', 'sleep 60 & echo $!');
  const { stdout, heldOpen } = await cpi('', 'director');
  process.kill(Number(stdout)); // it is ours
  expect(heldOpen).toBe(true);
});

test('a helper with streams of its own is none of our business', async () => {
  const cpi = await script('quiet-daemon', 'sleep 60 >/dev/null 2>&1 & echo $!');
  const { stdout, heldOpen } = await cpi('', 'director');
  process.kill(Number(stdout));
  expect(heldOpen).toBe(false);
});

test('an executable that is not there is a UserError', async () => {
  await expect(executable([join(folder, 'none')])('', 'director')).rejects.toThrow(UserError);
});
