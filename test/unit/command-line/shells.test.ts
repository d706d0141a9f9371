import { spawnSync } from 'node:child_process';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { shellLines } from '../../../src/command-line/shells.ts';

const awkward = `it's "x" $HOME \\ \`id\` ; #`;

test('a POSIX shell reads back what was set, and forgets it when told to', () => {
  const set = shellLines('bash', { AWKWARD: awkward }, false);
  const unset = shellLines('bash', { AWKWARD: '' }, true);
  const script = `eval "$1"; printf '%s' "$AWKWARD"; eval "$2"; printf ' %s' "\${AWKWARD-gone}"`;
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', set, unset], { encoding: 'utf8' });
  expect(stdout).toBe(`${awkward} gone`);
});

test('dotenv files are read back', () => {
  expect(parseEnv(shellLines('dotenv', { A: 'qemu:///system?socket=/x y', B: '1' }, false))).toEqual({
    A: 'qemu:///system?socket=/x y',
    B: '1',
  });
});

test.each([
  ['fish', "set -gx A 'it\\'s \\\\'", 'set -e A'],
  ['powershell', "$env:A = 'it''s \\'", 'Remove-Item Env:A'],
  ['nu', '$env.A = "it\'s \\\\"', 'hide-env A'],
] as const)('%s', (shell, set, unset) => {
  expect(shellLines(shell, { A: "it's \\" }, false)).toBe(set);
  expect(shellLines(shell, { A: '' }, true)).toBe(unset);
});
