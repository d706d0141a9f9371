/** Several calls at once, clients that leave, the end of the server. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTextIfThere } from '../../../../src/platform/files.ts';
import { waitFor } from '../../../../src/platform/retry.ts';
import { answerIn, send } from './served-client.ts';
import { echo, type Served, serveCpi } from './served-cpi.ts';

/** Writes the request into `begun` and, unless it says "quick", waits until there is a file `gate`; all beside $1. */
const waits = `dir=$(dirname "$1"); echo "$request" >> "$dir/begun"
  case $request in *quick*) ;; *) while [ ! -e "$dir/gate" ]; do sleep 0.02; done ;; esac; ${echo}`;

const open = async ({ folder }: Served) => await writeFile(join(folder, 'work', 'gate'), '');

const begun = async ({ folder }: Served): Promise<string[]> =>
  ((await readTextIfThere(join(folder, 'work', 'begun'))) ?? '').split('\n').filter(Boolean);

const until = async (what: () => Promise<boolean>) =>
  expect(
    await waitFor(async () => ((await what()) ? true : undefined), { timeoutMs: 10_000, intervalMs: 10 }),
  ).toBe(true);

const status = async (served: Served): Promise<{ running: number; waiting: number }> =>
  JSON.parse((await send(served, { method: 'GET', path: '/status' })).body);

const hasQueue = (served: Served, running: number, waiting: number) => async () => {
  const now = await status(served);
  return now.running === running && now.waiting === waiting;
};

describe('calls at once', () => {
  test('so many run, others wait in their order, and too many are told to come later', async () => {
    await using served = await serveCpi(waits, { limits: { calls: 2, waiting: 2 } });
    const answers: Promise<{ status: number; body: string }>[] = [];
    for (const name of ['1', '2', '3', '4']) {
      answers.push(send(served, { body: `"${name}"` }));
      const count = answers.length;
      await until(hasQueue(served, Math.min(count, 2), Math.max(0, count - 2)));
    }
    await until(async () => (await begun(served)).length === 2);
    const refused = await send(served, { body: '"5"' });
    expect(refused.status).toBe(503);
    expect(answerIn(refused.body).error.message).toContain('2 calls waiting');
    await open(served);
    const results = (await Promise.all(answers)).map(({ body }) => answerIn(body).result);
    expect(results).toEqual(['1', '2', '3', '4']);
    expect((await begun(served)).sort()).toEqual(['"1"', '"2"', '"3"', '"4"']);
    expect(await status(served)).toMatchObject({ running: 0, waiting: 0 });
  });

  test('one that waits for its turn does so in vain if its client has left', async () => {
    await using served = await serveCpi(waits, { limits: { calls: 1 } });
    const first = send(served, { body: '"first"' });
    await until(hasQueue(served, 1, 0));
    const impatient = new AbortController();
    const second = send(served, { body: '"second"', signal: impatient.signal });
    await until(hasQueue(served, 1, 1));
    impatient.abort();
    await expect(second).rejects.toThrow();
    await open(served);
    await first;
    await until(hasQueue(served, 0, 0));
    expect(await begun(served)).toEqual(['"first"']);
    await until(async () => (await served.auditLines()).some(({ outcome }) => outcome === 'not begun'));
  });

  test('one that runs goes on to its end without its client, and the log says so', async () => {
    await using served = await serveCpi(`${waits}; echo done > "$dir/done"`);
    const leaving = new AbortController();
    const call = send(served, { body: '{"method":"create_vm"}', signal: leaving.signal });
    await until(async () => (await begun(served)).length === 1);
    leaving.abort();
    await expect(call).rejects.toThrow();
    await open(served);
    await until(async () => (await readTextIfThere(join(served.folder, 'work', 'done'))) === 'done\n');
    const isNoted = async () =>
      (await served.auditLines()).some(({ method, client }) => method === 'create_vm' && client === 'left');
    await until(isNoted);
  });
});

describe('the end of the server', () => {
  test('lets calls that run finish, refuses those that wait, and lets nobody in', async () => {
    await using served = await serveCpi(waits, { limits: { calls: 1 } });
    const running = send(served, { body: '"running"' });
    await until(hasQueue(served, 1, 0));
    const waiting = send(served, { body: '"waiting"' });
    await until(hasQueue(served, 1, 1));
    const closed = served.serving.close();
    const refused = await waiting;
    expect(refused.status).toBe(503);
    expect(answerIn(refused.body).error.message).toContain('was not begun');
    await expect(send(served, { body: '"late"' })).rejects.toThrow('ECONNREFUSED');
    await open(served);
    expect(answerIn((await running).body).result).toBe('running');
    await closed;
    expect(await begun(served)).toEqual(['"running"']);
  });

  test('what was begun by a server that was killed is forgotten by the next', async () => {
    await using served = await serveCpi(echo);
    const images = join(served.folder, 'work', 'images');
    await mkdir(images, { recursive: true });
    await writeFile(join(served.folder, 'work', 'call-abc.json'), '{"agent":{"mbus":"nats://u:secret@h"}}');
    await writeFile(join(images, `${'a'.repeat(64)}.1234.part`), 'half');
    await served.restart();
    expect(await readdir(join(served.folder, 'work'))).toEqual(['images']);
    expect(await readdir(images)).toEqual([]);
    expect(answerIn((await send(served, { body: '"again"' })).body).result).toBe('again');
    expect(await readFile(join(served.folder, 'audit.log'), 'utf8')).toContain('"event":"stopped"');
  });
});
