import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  commandLine,
  lastLines,
  openPipe,
  run,
  runInTerminal,
  startDaemon,
  which,
} from '../../../src/platform/process.ts';
import { waitFor } from '../../../src/platform/retry.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-process-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
  vi.unstubAllEnvs();
});

const sh = (script: string, ...words: string[]): [string, ...string[]] => [
  'sh',
  '-c',
  script,
  'sh',
  ...words,
];
/** A script that writes down its process id and then does not end by itself. */
const endless = () => `echo $$ >${folder}/pid; exec sleep 1000`;
const pidOfEndless = async () =>
  await waitFor(
    async () => Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => '')) || undefined,
    {
      timeoutMs: 15_000,
      intervalMs: 5,
    },
  );
const isAlive = async (pid: unknown) => (await readFile(`/proc/${pid}/cmdline`).catch(() => '')).length > 0;

describe('run', () => {
  test('gives what a program says and its status; its words reach it as they are', async () => {
    const words = ['a b', '$HOME', "it's", '', '*'];
    const { stdout } = await run(sh('for word; do echo "<$word>"; done; echo more >&2', ...words));
    expect(stdout).toBe(words.map((word) => `<${word}>\n`).join(''));
    const answer = await run(sh('echo no; echo why >&2; exit 3'), { okExitCodes: [3] });
    expect(answer).toEqual({ stdout: 'no\n', stderr: 'why\n', exitCode: 3 });
  });

  test('a stream goes to stdin whole; its error is thrown instead of the program’s', async () => {
    const chunks = async function* (fault?: Error) {
      for (let at = 0; at < 40; at++) yield Buffer.alloc(100_000, 'x');
      if (fault) throw fault;
    };
    expect((await run(sh('wc -c'), { input: chunks() })).stdout.trim()).toBe('4000000');
    await expect(run(sh('cat >/dev/null'), { input: chunks(new Error('cut short')) })).rejects.toThrow(
      /^cut short$/,
    );
    await expect(run(sh('exit 3'), { input: chunks() })).rejects.toMatchObject({ exitCode: 3 });
  });

  test('a failure names the command so that it can be pasted, the status and the end of the output', async () => {
    const argv = sh(
      'for line in $(seq 30); do echo line $line; done; echo the reason >&2; exit 7',
      'two words',
    );
    const error = await run(argv, { failure: 'CREATE_ENV' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'ToolError',
      code: 'CREATE_ENV',
      exitCode: 7,
      command: commandLine(argv),
      output: expect.stringMatching(/^line 1\n/),
    });
    const lines = (error as Error).message.split('\n');
    expect(lines[0]).toMatch(/^sh -c '.*' sh 'two words' failed with exit status 7:$/);
    expect([lines.length, lines[1], lines.at(-1)]).toEqual([21, 'line 12', 'the reason']);
  });

  test('a program that is not there is something for the user', async () => {
    await expect(run(['no-such-program', '--version'])).rejects.toMatchObject({
      name: 'UserError',
      code: 'PREFLIGHT',
      message: 'no-such-program is not installed (needed for: no-such-program --version)',
    });
  });

  test('a program that takes too long is ended, and the error says how long it had', async () => {
    await expect(run(sh(`echo so far; ${endless()}`), { timeoutMs: 1_500 })).rejects.toMatchObject({
      name: 'ToolError',
      message: expect.stringMatching(/did not end within 1.5 s:\nso far$/),
      exitCode: undefined,
    });
    expect(await isAlive(await pidOfEndless())).toBe(false);
  });

  test('a signal ends the program and comes out as it is', async () => {
    const controller = new AbortController();
    const running = run(sh(endless()), { signal: controller.signal });
    const settled = expect(running).rejects.toThrow('Ctrl-C');
    const pid = await pidOfEndless();
    controller.abort(new Error('Ctrl-C'));
    await settled;
    expect(await isAlive(pid)).toBe(false);
  });

  test('a program that something kills is a failure that names the signal', async () => {
    await expect(run(sh('echo before; kill -9 $$'))).rejects.toMatchObject({
      name: 'ToolError',
      message: expect.stringMatching(/was ended by SIGKILL:\nbefore$/),
    });
  });

  test('lines come one by one, the last one also without its end', async () => {
    const lines: string[] = [];
    const onLine = (line: string, stream: string) => lines.push(`${stream} ${line}`);
    const { stdout } = await run(sh('printf "one\\ntwo"; printf "three\\n" >&2'), { onLine });
    expect(lines.sort()).toEqual(['stderr three', 'stdout one', 'stdout two']);
    expect(stdout).toBe('one\ntwo');
  });

  test('lines that came before a failure were heard', async () => {
    const lines: string[] = [];
    await run(sh('echo one; exit 1'), { onLine: (line) => lines.push(line) }).catch(() => {});
    expect(lines).toEqual(['one']);
  });

  test('secrets go in as input or environment, and are in no error', async () => {
    const env = { SECRET: 'hunter22' };
    const script = 'read -r line; exit "$(printf %s "$line$SECRET" | wc -c)"';
    const error = await run(sh(script), { input: 'hunter23\n', env }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ exitCode: 16 });
    expect(`${(error as Error).message}${JSON.stringify(error)}`).not.toContain('hunter');
  });

  test('the environment is ours plus what is given, minus what is undefined; or what is given alone', async () => {
    vi.stubEnv('OURS', 'ours');
    vi.stubEnv('HIDDEN', 'hidden');
    const script = 'echo "$OURS,$HIDDEN,$GIVEN"';
    const env = { GIVEN: 'given', HIDDEN: undefined };
    expect((await run(sh(script), { env })).stdout).toBe('ours,,given\n');
    expect((await run(['/bin/sh', '-c', script], { env, cleanEnv: true })).stdout).toBe(',,given\n');
  });

  test('a program can work in another folder and on an open file of ours', async () => {
    await using file = await open(join(folder, 'file'), 'w');
    const { stdout } = await run(sh('pwd; echo hello >&3'), { cwd: folder, descriptors: [file.fd] });
    expect(stdout).toBe(`${folder}\n`);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('hello\n');
  });

  test('stdin is empty unless something is given', async () => {
    expect((await run(['cat'])).stdout).toBe('');
  });
});

describe('other ways to start a program', () => {
  test('in the terminal: its status comes back, 128 + n for signal n', async () => {
    expect(await runInTerminal(sh('exit 4'))).toBe(4);
    expect(await runInTerminal(sh('kill -INT $$'))).toBe(130);
    expect(await runInTerminal(sh('kill -KILL $$'))).toBe(137);
    await expect(runInTerminal(['no-such-program'])).rejects.toMatchObject({ code: 'PREFLIGHT' });
  });

  test('as a pipe: what is written comes back', async () => {
    const child = openPipe(['cat']);
    child.stdin.end('there and back');
    expect(await text(child.stdout)).toBe('there and back');
  });

  test('as a daemon: in a group of its own, with the environment that is given and no other', async () => {
    await using output = await open(join(folder, 'output'), 'w');
    vi.stubEnv('OURS', 'ours');
    const script =
      'read -r _ _ _ _ group _ </proc/$$/stat; echo "$((group == $$)) [$OURS] $GIVEN"; echo oh >&2';
    const child = startDaemon(['/bin/sh', '-c', script], output.fd, { GIVEN: 'given' });
    await once(child, 'exit');
    expect(await readFile(join(folder, 'output'), 'utf8')).toBe('1 [] given\noh\n');
  });
});

test('a command line means to a shell what the argv means', async () => {
  const words = [
    'plain',
    'a b',
    "it's",
    '$(date)',
    '',
    '"',
    '\\',
    'new\nline',
    '*',
    '~',
    'ü',
    '#',
    'a=b',
    '-x',
    '!',
  ];
  const { stdout } = await run(sh(`printf '%s\\0' ${commandLine(words)}`));
  expect(stdout.split('\0').slice(0, -1)).toEqual(words);
  expect(commandLine(['ip', '-json', 'a/b_c.d:e,f=g@h%i+j'])).toBe('ip -json a/b_c.d:e,f=g@h%i+j');
});

test('the last lines are those that hold anything', () => {
  expect(lastLines('one\n\ntwo\n  \nthree\n\n', 2)).toBe('two\nthree');
  expect(lastLines('', 2)).toBe('');
});

describe('which', () => {
  test('finds the first program on PATH; what cannot be run is none', async () => {
    const place = async (name: string, mode: number) => {
      const path = join(folder, name, 'the-program');
      await mkdir(join(folder, name));
      await writeFile(path, '');
      await chmod(path, mode);
      return path;
    };
    await mkdir(join(folder, 'folder', 'the-program'), { recursive: true });
    await place('text', 0o644);
    const first = await place('first', 0o755);
    await place('second', 0o755);
    const names = ['none', 'folder', 'text', 'first', 'second'];
    vi.stubEnv('PATH', names.map((name) => join(folder, name)).join(':'));
    expect(await which('the-program')).toBe(first);
    expect(await which('no-such-program')).toBeUndefined();
  });

  test('knows the folders of administrators’ programs, which a user’s PATH often lacks', async () => {
    const found = await which('ldconfig');
    expect(found).toMatch(/sbin\/ldconfig$/);
    vi.stubEnv('PATH', '');
    expect(await which('ldconfig')).toMatch(/sbin\/ldconfig$/);
  });
});
