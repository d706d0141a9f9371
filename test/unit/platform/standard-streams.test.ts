import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { openPipe, run } from '../../../src/platform/process.ts';

const streams = join(import.meta.dirname, '../../../src/platform/standard-streams.ts');

/** A program that uses the streams. */
async function program(folder: string, body: string): Promise<string> {
  const path = join(folder, 'program.mjs');
  await writeFile(
    path,
    `import { standardInput, writeToStderr, writeToStdout } from ${JSON.stringify(streams)};\n${body}`,
  );
  return path;
}

const upperCase = `
  const words = [];
  for await (const piece of standardInput()) words.push(Buffer.from(piece).toString().toUpperCase());
  writeToStdout(words.join(''));
  writeToStderr(String(words.length > 1));
`;

test('all of a long input comes through, and all of a long output', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'streams-'));
  const path = await program(folder.path, upperCase);
  const input = 'words and more words\n'.repeat(50_000);
  const { stdout, stderr } = await run([process.execPath, path], { input });
  expect(stdout === input.toUpperCase()).toBe(true);
  expect(stderr).toBe('true');
});

test('no input at all is an empty one', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'streams-'));
  const path = await program(folder.path, upperCase);
  expect((await run([process.execPath, path])).stdout).toBe('');
});

/** A pipe whose ends are set not to wait, as a parent that works by events may leave them to us. */
async function impatientPipe(folder: string) {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  return { reader, writer };
}

/** Node would set a child's first three descriptors to wait; the shell hands our fourth on as it is. */
const handOver = (redirection: string, path: string) => [
  '-c',
  `exec "$0" "$1" ${redirection}`,
  process.execPath,
  path,
];

test('an input that is set not to wait is waited for', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'streams-'));
  const { reader, writer } = await impatientPipe(folder.path);
  const path = await program(
    folder.path,
    `
      const input = standardInput();
      const first = input.next();
      writeToStdout('waiting ');
      for (let piece = await first; !piece.done; piece = await input.next()) writeToStdout(String(piece.value));
    `,
  );
  const child = spawn('sh', handOver('<&3', path), { stdio: ['ignore', 'pipe', 'inherit', reader] });
  closeSync(reader);
  child.stdout?.once('data', () => {
    writeSync(writer, 'here it is');
    closeSync(writer);
  });
  expect(await text(child.stdout as Readable)).toBe('waiting here it is');
});

test('an output that is set not to wait gets everything', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'streams-'));
  const { reader, writer } = await impatientPipe(folder.path);
  const path = await program(folder.path, `writeToStdout('x'.repeat(1_000_000));`);
  spawn('sh', handOver('>&3', path), { stdio: ['ignore', 'ignore', 'inherit', writer] });
  closeSync(writer);
  expect((await text(new Socket({ fd: reader }))).length).toBe(1_000_000);
});

test('a log that nobody reads any more stops nothing', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'streams-'));
  const path = await program(
    folder.path,
    `await standardInput().next(); writeToStderr('nobody hears this'); writeToStdout('done');`,
  );
  const child = openPipe([process.execPath, path]);
  child.stderr.destroy();
  child.stdin.end();
  expect(await text(child.stdout)).toBe('done');
});

test('a log whose disk is full stops nothing', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'streams-'));
  const path = await program(folder.path, `writeToStderr('no room for this'); writeToStdout('done');`);
  const { stdout } = await run(['sh', '-c', 'exec "$0" "$1" 2>/dev/full', process.execPath, path]);
  expect(stdout).toBe('done');
});
