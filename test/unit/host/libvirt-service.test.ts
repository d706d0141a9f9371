import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findLibvirt } from '../../../src/host/libvirt-service.ts';
import { run, which } from '../../../src/platform/process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-service-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

const driver = 'qemu';
const options = { driver, signal: AbortSignal.timeout(20_000) };

test('a libvirt that was named and is not there is an error with the socket in it and a way to try', async () => {
  const uri = `qemu:///system?socket=${join(folder, 'none')}`;
  await expect(findLibvirt(uri, options)).rejects.toMatchObject({
    name: 'UserError',
    code: 'HYPERVISOR',
    message: expect.stringContaining(join(folder, 'none')),
    hints: [`try it with: virsh -c '${uri}' version`, expect.stringContaining('without --uri')],
  });
});

test('one that hangs up is an error too', async () => {
  const path = join(folder, 'socket');
  await using server = createServer((socket) => socket.destroy()).listen(path);
  await expect(findLibvirt(`qemu:///system?socket=${path}`, options)).rejects.toMatchObject({
    name: 'UserError',
    code: 'HYPERVISOR',
  });
  expect(server.listening).toBe(true);
});

test('what is no URI is told apart from what does not answer', async () => {
  await expect(findLibvirt('localhost', options)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(findLibvirt('qemu+tls://host/system', options)).rejects.toMatchObject({ code: 'USAGE' });
});

test('a signal comes out as it is, whether a libvirt was named or not', async () => {
  const signal = AbortSignal.abort(new Error('Ctrl-C'));
  await expect(findLibvirt('qemu:///system', { driver, signal })).rejects.toThrow('Ctrl-C');
  await expect(findLibvirt(undefined, { driver, signal })).rejects.toThrow('Ctrl-C');
});

test('without a name it is the machine’s own if that answers, as virsh sees it', async () => {
  const virsh = await which('virsh');
  const exitCode = virsh
    ? (await run([virsh, '-c', 'qemu:///system', 'version'], { okExitCodes: [1] })).exitCode
    : 1;
  const own = exitCode === 0 ? { kind: 'system', uri: 'qemu:///system' } : { kind: 'none' };
  expect(await findLibvirt(undefined, options)).toEqual(own);
});
