import { describe, expect, test } from 'vitest';
import { type IsoFile, readIsoFile, writeIso9660 } from '../../../../src/cpi/agent/index.ts';
import { CloudError } from '../../../../src/cpi/errors.ts';
import { BugError } from '../../../../src/platform/errors.ts';

const file = (path: string, content = path): IsoFile => ({ path, content: Buffer.from(content) });

function roundTrip(files: readonly IsoFile[]): Record<string, string | undefined> {
  const iso = writeIso9660('config-2', files);
  return Object.fromEntries(files.map(({ path }) => [path, readIsoFile(iso, path)?.toString()]));
}

const asWritten = (files: readonly IsoFile[]) =>
  Object.fromEntries(files.map(({ path, content }) => [path, Buffer.from(content).toString()]));

describe('what was written can be read', () => {
  test.each([
    ['a config drive', [file('ec2/latest/user-data', '{}'), file('ec2/latest/meta-data.json', '{"a":1}')]],
    ['an empty file and none after it', [file('a', ''), file('b', 'x'), file('z', '')]],
    [
      'a file of exactly a sector and one of a byte more',
      [file('a', 'a'.repeat(2048)), file('b', 'b'.repeat(2049))],
    ],
    [
      'names that are one in the old eight letters',
      ['user-data', 'user-data.json', 'user_data', 'USER-DATA'].map((n) => file(n)),
    ],
    [
      'names beyond ASCII and with many dots',
      ['Grüße, Welt', 'a.b.c.d', '.hidden', 'no dots'].map((n) => file(n)),
    ],
    [
      'a folder of several sectors',
      Array.from({ length: 200 }, (_, n) => file(`many/a-fairly-long-name-${n}.json`)),
    ],
    ['as deep as it goes', [file('1/2/3/4/5/6/7/8')]],
    ['no files', []],
  ])('%s', (_, files) => {
    expect(roundTrip(files)).toEqual(asWritten(files));
  });
});

test('same input, same bytes; whole sectors', () => {
  const files = [file('ec2/latest/user-data', 'secret')];
  const image = writeIso9660('config-2', files);
  expect(writeIso9660('config-2', files).equals(image)).toBe(true);
  expect(image.length % 2048).toBe(0);
});

test('a path that is not there, goes through a file or ends at a folder gives nothing', () => {
  const iso = writeIso9660('config-2', [file('ec2/latest/user-data')]);
  for (const path of ['none', 'ec2/none', 'ec2', 'ec2/latest/user-data/more', ''])
    expect(readIsoFile(iso, path)).toBeUndefined();
});

test.each([
  ['a folder up', [file('../up')]],
  ['an empty name', [file('a//b')]],
  ['an absolute path', [file('/a')]],
  ['a name that fits into no record', [file('n'.repeat(200))]],
  ['too deep', [file('1/2/3/4/5/6/7/8/9')]],
  ['the same path twice', [file('a'), file('a')]],
  ['a file where a folder is', [file('a'), file('a/b')]],
])('refuses %s as a bug of the caller', (_, files) => {
  expect(() => writeIso9660('config-2', files)).toThrow(BugError);
});

test('refuses a label that is too long', () => {
  expect(() => writeIso9660('l'.repeat(33), [])).toThrow(BugError);
});

describe('a damaged image is an error and never a wrong answer or an endless loop', () => {
  const iso = writeIso9660('config-2', [file('ec2/latest/user-data', 'x'.repeat(3 * 2048))]);

  test('no image at all', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(100), Buffer.alloc(64 * 2048)])
      expect(() => readIsoFile(bytes, 'ec2/latest/user-data')).toThrow(CloudError);
  });

  test('cut short anywhere', () => {
    for (let length = 0; length < iso.length; length += 700)
      expect(() => readIsoFile(iso.subarray(0, length), 'ec2/latest/user-data')).toThrow(CloudError);
  });

  test('any byte of the directories overwritten', () => {
    for (let at = 16 * 2048; at < iso.length - 3 * 2048; at++) {
      const damaged = Buffer.from(iso);
      damaged[at] = 0xff;
      try {
        readIsoFile(damaged, 'ec2/latest/user-data');
      } catch (error) {
        expect(error, `byte ${at}`).toBeInstanceOf(CloudError);
      }
    }
  });
});
