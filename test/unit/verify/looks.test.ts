import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../src/platform/process.ts';
import {
  diskScript,
  factsScript,
  readFacts,
  readScript,
  writeScript,
} from '../../../src/verify/guests/looks.ts';

/** As a guest with two NICs says it. */
const output = `boot 7a86c3f6-8d5a-4a0f-b2c9-5f3d0f6f7a11-12
nic 3 eth1 52:54:00:00:00:02
nic 1 lo 00:00:00:00:00:00
nic 2 eth0 52:54:00:00:00:01
address lo 127.0.0.1
address eth0 10.0.0.20
address eth0 fe80::5054:ff:fe00:1
address eth1 10.0.1.20
route default via 10.0.0.1 dev eth0
memory 223064
data 231680
store 58896
`;

test('facts are read, NICs in the order of the kernel', () => {
  expect(readFacts(output)).toEqual({
    boot: '7a86c3f6-8d5a-4a0f-b2c9-5f3d0f6f7a11-12',
    nics: [
      { name: 'eth0', mac: '52:54:00:00:00:01', addresses: ['10.0.0.20', 'fe80::5054:ff:fe00:1'] },
      { name: 'eth1', mac: '52:54:00:00:00:02', addresses: ['10.0.1.20'] },
    ],
    gatewayNic: 'eth0',
    memoryMb: 218,
    dataMb: 226,
    storeMb: 58,
  });
});

test('what is not there is told as such', () => {
  const { gatewayNic, storeMb, nics } = readFacts('boot 1\nmemory 1024\ndata 1024\n');
  expect([gatewayNic, storeMb, nics]).toEqual([undefined, undefined, []]);
});

test('the script finds the facts of this machine', async () => {
  const { stdout } = await run(['sh', '-s'], { input: factsScript });
  const { boot, memoryMb } = readFacts(stdout);
  expect(boot).toMatch(/^[0-9a-f-]{36}-\d+$/);
  expect(memoryMb).toBeGreaterThan(100);
});

test.each([
  ['disk-of-nobody', { path: '/nonexistent' }],
  ["it's", '/dev/null'],
  ['disk-1', { id: 'x' }],
  ['d', null],
])('a disk that is not there has no size: %s', async (cid, hint) => {
  expect((await run(['sh', '-s'], { input: diskScript(cid, hint) })).stdout).toBe('');
});

test('any text is written and read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'looks-'));
  const path = join(folder, "it's a note");
  const sh = async (input: string) => (await run(['sh', '-s'], { input })).stdout;
  expect(await sh(readScript(path))).toBe('');
  await sh(writeScript(path, `a 'b' "c" $d\n%s`));
  expect(await readFile(path, 'utf8')).toBe(`a 'b' "c" $d\n%s`);
  expect(await sh(readScript(path))).toBe(`there\na 'b' "c" $d\n%s`);
  await rm(folder, { recursive: true });
});
