import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AgentClient } from '../../../../src/engine/agent-client/index.ts';
import { generateCertificate } from '../../../../src/engine/template/certificates.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { type Identity, type Message, ScriptedAgent } from './scripted-agent.ts';

const ip = '10.9.8.7';
let identity: Identity;
let stranger: Identity;
beforeAll(async () => {
  const keys = { key_length: 2048 };
  const ca = await generateCertificate(
    'ca',
    { ...keys, is_ca: true, common_name: 'ca' },
    async () => undefined,
  );
  const options = { ...keys, ca: 'ca', common_name: ip, alternative_names: [ip] };
  identity = await generateCertificate('ssl', options, async () => ({ ...ca }));
  stranger = await generateCertificate(
    'ca',
    { ...keys, is_ca: true, common_name: ip },
    async () => undefined,
  );
});

let agent: ScriptedAgent;
let messages: Message[];
let answers: Record<string, unknown>;
beforeEach(async () => {
  messages = [];
  answers = { ping: 'pong', start: 'started' };
  agent = await ScriptedAgent.start(identity, (message) => {
    messages.push(message);
    const answer = answers[message.method];
    if (answer instanceof Error) throw answer;
    return answer;
  });
});
afterEach(async () => await agent[Symbol.asyncDispose]());

const client = ({
  password = agent.password,
  ca = identity.ca,
  host = ip,
  signal = new AbortController().signal,
} = {}) =>
  new AgentClient({
    mbus: `https://mbus:${password}@${host}:6868`,
    ca,
    road: agent.road,
    log: silentLog,
    signal,
  });

describe('ping', () => {
  test('waits for an agent that is not there yet', async () => {
    agent.isThere = false;
    setTimeout(() => {
      agent.isThere = true;
    }, 700);
    await client().ping({ timeoutMs: 10_000 });
    expect(messages).toMatchObject([{ method: 'ping', arguments: [] }]);
  });

  test('says in the end what it met', async () => {
    agent.isThere = false;
    await expect(client().ping({ timeoutMs: 600 })).rejects.toMatchObject({
      name: 'AgentUnreachable',
      code: 'AGENT_TIMEOUT',
      message: `The agent at ${ip}:6868 did not answer within 0.6 s: https://${ip}:6868/agent: ${ip} port 6868 cannot be reached: refused`,
    });
  });

  test('gives up an agent that takes the question and is silent', async () => {
    agent.isSilent = true;
    const started = performance.now();
    await expect(client().ping({ timeoutMs: 600 })).rejects.toMatchObject({ code: 'AGENT_TIMEOUT' });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test.each([
    ['another password', { password: 'wrong' }, 'refuses the password'],
    ['a certificate that another CA signed', {}, 'certificate'],
    ['a certificate for another host', { host: '10.9.8.6' }, "does not match certificate's altnames"],
  ])('ends at once at %s', async (name, options, message) => {
    const ca = name.includes('CA') ? stranger.ca : identity.ca;
    const started = performance.now();
    await expect(client({ ca, ...options }).ping({ timeoutMs: 60_000 })).rejects.toMatchObject({
      name: 'AgentDistrusted',
      message: expect.stringContaining(message),
    });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(messages).toEqual([]);
  });

  test.each(['of the call', 'of the client'])('is ended by the signal %s', async (whose) => {
    agent.isSilent = true;
    const signal = AbortSignal.timeout(300);
    const pinging =
      whose === 'of the call'
        ? client().ping({ timeoutMs: 60_000, signal })
        : client({ signal }).ping({ timeoutMs: 60_000 });
    await expect(pinging).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('tasks', () => {
  test('are asked for until they end', async () => {
    agent.taskRounds = 3;
    await client().mountDisk('disk-1');
    expect(messages).toMatchObject([{ method: 'mount_disk', arguments: ['disk-1'] }]);
  });

  test('survive a few bad moments of the agent', async () => {
    agent.taskRounds = 2;
    const mounting = client().mountDisk('disk-1');
    setTimeout(() => {
      agent.hiccups = 2;
    }, 30);
    await mounting;
    expect(messages).toHaveLength(1);
  });

  test('that fail name what was asked', async () => {
    answers.migrate_disk = new Error('no space');
    await expect(client().migrateDisk()).rejects.toMatchObject({
      name: 'AgentRefused',
      method: 'migrate_disk',
      message: `The agent at ${ip}:6868 failed at migrate_disk: no space`,
    });
  });

  test('are ended by the signal', async () => {
    agent.taskRounds = 1_000;
    await expect(client({ signal: AbortSignal.timeout(300) }).apply({})).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });
});

describe('methods', () => {
  test('that an old agent does not know are forgiven where bosh forgives them', async () => {
    for (const method of ['run_script', 'add_persistent_disk', 'remove_persistent_disk', 'stop'])
      answers[method] = new Error(`unknown message ${method}`);
    await client().runScript('pre-start');
    await client().addPersistentDisk('disk-1', { path: '/dev/vdc' });
    await client().removePersistentDisk('disk-1');
    await expect(client().stop()).rejects.toMatchObject({ name: 'AgentRefused', unknownMethod: true });
  });

  test('a guest that goes off while it answers has done as it was told; one that refuses has not', async () => {
    await client().shutDown();
    agent.hiccups = 1;
    await client().shutDown();
    expect(messages).toMatchObject([{ method: 'shutdown', arguments: [] }]);
    answers.shutdown = new Error('not now');
    await expect(client().shutDown()).rejects.toMatchObject({ name: 'AgentRefused' });
  });

  test('hand hints on as they are', async () => {
    await client().addPersistentDisk('disk-1', '/dev/vdc');
    expect(messages).toMatchObject([{ method: 'add_persistent_disk', arguments: ['disk-1', '/dev/vdc'] }]);
  });

  test('drain asks again after as many seconds as the agent says', async () => {
    const given = [-1, 0];
    Object.defineProperty(answers, 'drain', { get: () => given.shift() });
    await client().drain();
    expect(messages.map((message) => message.arguments)).toEqual([
      ['shutdown', {}],
      ['status', {}],
    ]);
  });

  test('start fails at any other answer than started', async () => {
    answers.start = 'perhaps';
    await expect(client().start()).rejects.toThrow('it answered "perhaps"');
  });

  test('give what the agent gives', async () => {
    Object.assign(answers, { get_state: { job_state: 'failing', networks: {} }, list_disk: ['disk-1'] });
    expect(await client().getState()).toEqual({ job_state: 'failing', networks: {} });
    expect(await client().listDisk()).toEqual(['disk-1']);
  });
});
