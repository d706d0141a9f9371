import { expect, test } from 'vitest';
import { type Download, Progress, progressLine } from '../../../src/downloads/progress.ts';

const MiB = 2 ** 20;
const download = (name: string, state: Download['state'], got: number, bytes?: number): Download => ({
  name,
  state,
  got: got * MiB,
  bytes: bytes === undefined ? undefined : bytes * MiB,
});

test('a line tells how far all together are, how fast, how long it takes yet, and how far each is', () => {
  const downloads = [
    download('release bosh/1', 'done', 100, 100),
    download('release bpm/2', 'running', 50, 100),
    download('stemcell noble/3', 'running', 200, 800),
    download('release uaa/4', 'waiting', 0, 400),
  ];
  expect(progressLine(downloads, 5 * MiB)).toBe(
    '25 % of 1.4 GiB, 5 MiB/s, 3 min 30 s left, 1 of 4 done: release bpm/2 50 %, stemcell noble/3 25 %',
  );
});

test('of one alone nothing is counted', () => {
  expect(progressLine([download('stemcell noble/3', 'running', 200, 800)], 10 * MiB)).toBe(
    '25 % of 800 MiB, 10 MiB/s, 60 s left: stemcell noble/3 25 %',
  );
});

test('where a length is not known no end is promised', () => {
  const downloads = [download('one', 'running', 3), download('two', 'running', 50, 100)];
  expect(progressLine(downloads, 2 * MiB)).toBe('53 MiB, 2 MiB/s, 0 of 2 done: one 3 MiB, two 50 %');
});

test('a download that stands still has no end in sight', () => {
  expect(progressLine([download('one', 'running', 50, 100)], 0)).toBe('50 % of 100 MiB, 0 B/s: one 50 %');
});

test('a file without content is whole at once', () => {
  expect(progressLine([download('one', 'running', 0, 0)], 0)).toBe('100 % of 0 B, 0 B/s: one 100 %');
});

test('a download that is there is told of with its size, and the way that it came', () => {
  const lines: string[] = [];
  const artifact = { name: 'release bosh/1', urls: ['http://files.test/1'] as const };
  using progress = new Progress([artifact], (line) => lines.push(line));
  progress.done(artifact, 1000, 'in 4.2 s');
  expect(lines).toEqual(['release bosh/1: 1000 B in 4.2 s']);
});
