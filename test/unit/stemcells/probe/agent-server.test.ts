import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Accounts } from '../../../../stemcells/probe/agent/accounts.ts';
import { type Action, type AgentWorld, actions } from '../../../../stemcells/probe/agent/actions.ts';
import { createAgentServer, parseMbus } from '../../../../stemcells/probe/agent/agent-server.ts';
import { diskAtPath } from '../../../../stemcells/probe/agent/block-devices.ts';
import { Filesystems } from '../../../../stemcells/probe/agent/filesystems.ts';
import { PersistentDisks } from '../../../../stemcells/probe/agent/persistent-disks.ts';
import { PreformattedDisks } from '../../../../stemcells/probe/agent/preformatted-disks.ts';
import { selfSigned } from '../../../../stemcells/probe/agent/self-signed.ts';
import { parseSettings } from '../../../../stemcells/probe/agent/settings.ts';
import { fakeGuest } from './fake-guest.ts';

const mbus = { host: '127.0.0.1', port: 0, user: 'mbus', password: 'p w' };
const tls = selfSigned('test-agent');

/** An agent on a port of its own. `certificate` is all that its callers trust. */
async function startAgent(table: Readonly<Record<string, Action>> = actions) {
  const guest = await fakeGuest();
  const { places } = guest;
  const run = async () => '';
  const log = () => {};
  const settings = parseSettings(
    JSON.stringify({ agent_id: 'a-1', vm: { name: 'vm-1' }, networks: { n: { ip: '10.0.0.6' } } }),
  );
  const files = new Filesystems(places, run, log);
  const layout = new PreformattedDisks(files, run, log);
  const disks = new PersistentDisks({ places, find: diskAtPath, layout, files, run, log });
  const world: AgentWorld = {
    settings,
    places,
    disks,
    accounts: new Accounts(places),
    blobFolder: guest.at('blobs'),
    run,
    log,
  };
  const server = createAgentServer(mbus, tls, table, world).listen(0, mbus.host);
  await once(server, 'listening');
  const port = (server.address() as AddressInfo).port;
  const agent = new Agent({ ca: tls.certificate, checkServerIdentity: () => undefined });
  const send = async (method: string, path: string, body = '', auth = 'mbus:p w') => {
    const sent = request({ host: mbus.host, port, path, method, auth, agent });
    sent.end(body);
    const [response] = await once(sent, 'response');
    return { status: response.statusCode as number, text: (await response.toArray()).join('') as string };
  };
  const call = async (method: string, ...args: unknown[]) =>
    JSON.parse(
      (await send('POST', '/agent', JSON.stringify({ method, arguments: args, reply_to: 'x' }))).text,
    );
  const finish = async (method: string, ...args: unknown[]) => {
    const { value } = await call(method, ...args);
    for (;;) {
      const answer = await call('get_task', value.agent_task_id);
      if (answer.value?.state !== 'running') return answer;
    }
  };
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await guest[Symbol.asyncDispose]();
  };
  return { send, call, finish, guest, [Symbol.asyncDispose]: stop };
}

test('calls that are answered at once', async () => {
  await using agent = await startAgent();
  expect(await agent.call('ping')).toEqual({ value: 'pong' });
  expect(await agent.call('list_disk')).toEqual({ value: [] });
  expect(await agent.call('get_state')).toMatchObject({
    value: { job_state: 'running', agent_id: 'a-1', networks: { n: { ip: '10.0.0.6' } } },
  });
});

test('a machine without jobs goes through apply, stop and start as bosh create-env leads it', async () => {
  await using agent = await startAgent();
  const spec = {
    deployment: 'd',
    job: { name: 'machine', templates: [] },
    networks: { n: { ip: '10.0.0.6' } },
  };
  expect(await agent.finish('apply', spec)).toEqual({ value: 'applied' });
  expect(await agent.finish('stop')).toEqual({ value: 'stopped' });
  expect((await agent.call('get_state')).value.job_state).toBe('stopped');
  expect(await agent.finish('run_script', 'pre-start', {})).toEqual({ value: {} });
  expect(await agent.call('start')).toEqual({ value: 'started' });
  expect((await agent.call('get_state')).value).toMatchObject({ deployment: 'd', job_state: 'running' });
});

test('what the guest cannot do is refused with the reason', async () => {
  await using agent = await startAgent();
  const spec = { job: { templates: [{ name: 'nats' }] } };
  expect((await agent.finish('apply', spec)).exception.message).toMatch(/runs no jobs \(asked for nats\)/);
  expect((await agent.finish('compile_package', 'id')).exception.message).toMatch(/compiles no packages/);
  expect((await agent.call('frobnicate')).exception.message).toBe('unknown message frobnicate');
  expect((await agent.call('toString')).exception.message).toBe('unknown message toString');
  expect((await agent.call('get_task', 'none')).exception.message).toBe(
    'Task with id none could not be found',
  );
});

test('a task runs until it ends, and tasks run one after another', async () => {
  const order: string[] = [];
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = {
    async: true,
    async act() {
      await gate;
      order.push('slow');
      return 'done';
    },
  };
  const quick = { async: true, act: async () => order.push('quick') };
  await using agent = await startAgent({ slow, quick });
  const { value } = await agent.call('slow');
  await agent.call('quick');
  expect(await agent.call('get_task', value.agent_task_id)).toEqual({
    value: { agent_task_id: value.agent_task_id, state: 'running' },
  });
  release();
  expect(await agent.finish('quick')).toEqual({ value: 3 });
  expect(await agent.call('get_task', value.agent_task_id)).toEqual({ value: 'done' });
  expect(order).toEqual(['slow', 'quick', 'quick']);
});

test('blobs come back as they went; a path out of their folder is no blob', async () => {
  await using agent = await startAgent();
  expect(await agent.send('GET', '/blobs/b-1')).toMatchObject({ status: 404 });
  expect(await agent.send('PUT', '/blobs/b-1', 'content')).toMatchObject({ status: 201 });
  expect(await agent.send('GET', '/blobs/b-1')).toEqual({ status: 200, text: 'content' });
  expect(await agent.send('PUT', '/blobs/..', 'content')).toMatchObject({ status: 404 });
  expect(await agent.send('GET', '/blobs/..%2fetc')).toMatchObject({ status: 404 });
});

test('only the password of the mbus URL opens', async () => {
  await using agent = await startAgent();
  expect((await agent.send('POST', '/agent', '{"method":"ping"}', 'mbus:wrong')).status).toBe(401);
  expect((await agent.send('GET', '/blobs/x', '', 'other:p w')).status).toBe(401);
});

test('a disk hint is kept for the next start, unreadable for others', async () => {
  await using agent = await startAgent();
  await agent.finish('add_persistent_disk', 'disk-1', { path: '/dev/vdc' });
  const file = agent.guest.at('vcap/bosh/persistent_disk_hints.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ 'disk-1': { path: '/dev/vdc' } });
  await agent.finish('remove_persistent_disk', 'disk-1');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({});
});

test('mbus URLs', () => {
  expect(parseMbus('https://mbus:p%20w@0.0.0.0:6868')).toEqual({
    host: '0.0.0.0',
    port: 6868,
    user: 'mbus',
    password: 'p w',
  });
  expect(parseMbus('nats://10.0.0.1:4222')).toBeUndefined();
  expect(parseMbus('')).toBeUndefined();
});
