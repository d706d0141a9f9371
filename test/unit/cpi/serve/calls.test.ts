/** What reaches the CPI over HTTPS, and what comes back. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../../src/platform/process.ts';
import { answerIn, send } from './served-client.ts';
import { echo, serveCpi } from './served-cpi.ts';

const agentHeader = (agent: unknown) => ({
  'boshvirt-agent': Buffer.from(JSON.stringify(agent)).toString('base64'),
});

test('a request reaches the CPI as it is; its log comes first, its answer is the last line', async () => {
  await using served = await serveCpi(echo);
  const request = '{"method":"has_vm", "arguments":["vm-ä\\u0000\\n\\"$(id)`"]}';
  const { status, body } = await send(served, { body: request });
  expect(status).toBe(200);
  expect(body).toBe(`a line of the log\n{"result":${request},"error":null,"log":""}\n`);
});

test('the CPI’s configuration is the host’s, but for what the client says of its agents', async () => {
  const say = 'printf \'{"result":%s,"error":null,"log":""}\\n\' "$(cat "$1")"';
  const cpiConfig = { backend: 'qemu', libvirt: { uri: 'qemu:///system' }, environment: 'lab' };
  await using served = await serveCpi(say, { cpiConfig });
  const agent = { mbus: 'nats://1.2.3.4:4222', blobstore: null, ntp: ['a'] };
  const cunning = { ...agent, libvirt: { uri: 'qemu:///elsewhere' }, environment: 'other' };
  const { body } = await send(served, { body: '{}', headers: agentHeader(cunning) });
  expect(answerIn(body).result).toEqual({ ...cpiConfig, agent });
  expect(answerIn((await send(served, { body: '{}' })).body).result).toEqual({ ...cpiConfig, agent: {} });
});

test.each([
  ['ends with a status', 'echo "not said" >&2; exit 3', 'exit status 3'],
  ['is killed', 'kill -9 $$', 'SIGKILL'],
  ['says nothing', ':', 'it ended well'],
  ['says no JSON', 'echo hello', 'it ended well'],
])('a CPI that %s is an error for bosh, and the next call is answered', async (_, script, why) => {
  await using served = await serveCpi(`case $request in *good*) ${echo};; *) ${script};; esac`);
  const { status, body } = await send(served, { body: '{"method":"bad"}' });
  expect(status).toBe(200);
  expect(answerIn(body)).toMatchObject({
    result: null,
    error: { type: 'Bosh::Clouds::CloudError', ok_to_retry: false },
    log: '',
  });
  expect(answerIn(body).error.message).toContain(why);
  expect(answerIn((await send(served, { body: '{"method":"good"}' })).body).error).toBeNull();
  expect(await served.auditLines()).toContainEqual(
    expect.objectContaining({ method: 'bad', outcome: 'no answer' }),
  );
});

test('one line per call tells who asked for what, and nothing that may be secret', async () => {
  const fails =
    'printf \'{"result":null,"error":{"type":"Bosh::Clouds::VMNotFound","message":"hush-1"},"log":""}\\n\'';
  await using served = await serveCpi(`echo hush-2 >&2; ${fails}`);
  const context = {
    director_uuid: '6c4e1f7e-5f0b-4d3e-9d53-6a6b6f1f2a10',
    request_id: 'cpi-123456',
    secret: 'hush-3',
  };
  const send1 = async (method: string, args: unknown[]) =>
    await send(served, {
      body: JSON.stringify({ method, arguments: args, context }),
      headers: agentHeader({ mbus: 'nats://u:hush-4@h' }),
    });
  await send1('delete_vm', ['vm-0123456789abcdef0', 'hush-5']);
  await send1('create_vm', ['7e52acde-e107-4551-a64f-2f48d7c5cdf0', 'sc-1', { password: 'hush-6' }]);
  await send1('create_disk', [2048, { key: 'hush-7' }]);
  await send1('hush-8', ['hush-9', 'vm-1']);
  await send(served, { body: 'hush-a' });
  const lines = await served.auditLines();
  const calls = lines.filter(({ event }) => event === undefined);
  const common = { director: context.director_uuid, request: 'cpi-123456', outcome: 'VMNotFound' };
  expect(calls).toMatchObject([
    { method: 'delete_vm', first: 'vm-0123456789abcdef0', ...common },
    { method: 'create_vm', first: '7e52acde-e107-4551-a64f-2f48d7c5cdf0', ...common },
    { method: 'create_disk', first: 2048, ...common },
    { method: '?', ...common },
    { method: '?', outcome: 'VMNotFound' },
  ]);
  for (const call of calls) expect(call).toMatchObject({ time: expect.any(String), ms: expect.any(Number) });
  expect(JSON.stringify(lines)).not.toContain('hush');
  expect((await stat(join(served.folder, 'audit.log'))).mode & 0o777).toBe(0o600);
});

test('nothing of a call stays in the server’s folder', async () => {
  await using served = await serveCpi(echo);
  await send(served, { body: '{}', headers: agentHeader({ mbus: 'nats://u:hush@h' }) });
  const { stdout } = await run(['find', join(served.folder, 'work'), '-type', 'f']);
  expect(stdout).toBe('');
});
