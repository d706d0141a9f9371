import { mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CpiClient } from '../../../src/engine/cpi-client.ts';

/** A CPI whose body is `program`: JavaScript with the request in `request`. */
async function withCpi(
  program: string,
  act: (cpi: CpiClient, log: () => Promise<string>, logPath: string) => Promise<void>,
  signal = new AbortController().signal,
): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-cpi-client-'));
  const path = join(folder.path, 'cpi.mjs');
  const logPath = join(folder.path, 'log');
  const head = `import { readFileSync } from 'node:fs';\nconst request = JSON.parse(readFileSync(0, 'utf8'));\n`;
  await writeFile(path, head + program);
  const command = [process.execPath, path];
  const secrets = ['a-secret-key'];
  const cpi = new CpiClient({
    command,
    directorUuid: 'd-1',
    stemcellApiVersion: 3,
    logPath,
    secrets,
    signal,
  });
  await act(cpi, async () => await readFile(logPath, 'utf8'), logPath);
}

const answer = (result: string): string =>
  `console.log(JSON.stringify({ result: ${result}, error: null, log: '' }));`;

test('asks as bosh does', async () => {
  await withCpi(answer('request'), async (cpi) => {
    expect(await cpi.call('has_vm', ['vm-1'])).toEqual({
      method: 'has_vm',
      arguments: ['vm-1'],
      context: { director_uuid: 'd-1', vm: { stemcell: { api_version: 3 } } },
      api_version: 2,
    });
  });
});

test('throws the error of the CPI with its type', async () => {
  const error = `{ type: 'Bosh::Clouds::VMCreationFailed', message: 'no memory', ok_to_retry: true }`;
  await withCpi(
    `console.log(JSON.stringify({ result: null, error: ${error}, log: '' }))`,
    async (cpi, log) => {
      await expect(cpi.call('create_vm', [])).rejects.toMatchObject({
        name: 'CpiCallError',
        code: 'CPI',
        type: 'Bosh::Clouds::VMCreationFailed',
        message: 'The CPI failed at create_vm: no memory',
        okToRetry: true,
      });
      expect(await log()).toContain('Bosh::Clouds::VMCreationFailed: no memory');
    },
  );
});

test.each([
  ['nothing', '', 'with: nothing'],
  ['no JSON', `console.log('oops');`, 'with: oops'],
  ['two values', `${answer('1')}${answer('2')}`, 'with one JSON value'],
  ['JSON without a result', `console.log('{}');`, 'with: {}'],
  ['an exit status', `console.error('boom'); process.exit(3);`, 'failed with exit status 3'],
])('tells what it got in place of an answer: %s', async (_, program, message) => {
  await withCpi(program, async (cpi) => {
    await expect(cpi.call('has_vm', [])).rejects.toMatchObject({
      name: 'ToolError',
      code: 'CPI',
      message: expect.stringContaining(message),
    });
  });
});

test('keeps what the CPI says on stderr, without secrets, for its owner alone', async () => {
  const say = `console.error('env: ' + request.arguments[0]);`;
  await withCpi(say + answer('null'), async (cpi, log, logPath) => {
    await cpi.call('create_vm', ['a-secret-key']);
    expect(await log()).toMatch(/^env: <redacted>\n\S+ cpi create_vm \(\d+ ms\): ok\n$/);
    expect((await stat(logPath)).mode & 0o777).toBe(0o600);
  });
  await withCpi(`${say} process.exit(1);`, async (cpi, log) => {
    const failing = cpi.call('create_vm', ['a-secret-key']);
    await expect(failing).rejects.toThrow('env: <redacted>');
    await expect(failing).rejects.not.toThrow('a-secret-key');
    expect(await log()).not.toContain('a-secret-key');
  });
});

test('lets a call come to its end once its signal has fired, so that what it made is known, and begins no other', async () => {
  const interrupt = new AbortController();
  const slow = `setTimeout(() => {${answer("'vm-1'")}}, 800);`;
  const act = async (cpi: CpiClient) => {
    setTimeout(() => interrupt.abort(new Error('interrupted')), 200);
    expect(await cpi.call('create_vm', [])).toBe('vm-1');
    await expect(cpi.call('set_vm_metadata', [])).rejects.toThrow('interrupted');
  };
  await withCpi(slow, act, interrupt.signal);
});

test('is out of reach of Ctrl-C in the terminal: its process group is its own', async () => {
  const ownGroup = `import { execFileSync } from 'node:child_process';
    const group = execFileSync('ps', ['-o', 'pgid=', '-p', String(process.pid)], { encoding: 'utf8' });
    ${answer('Number(group) === process.pid')}`;
  await withCpi(ownGroup, async (cpi) => expect(await cpi.call('info', [])).toBe(true));
});
