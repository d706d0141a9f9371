/** Our requests, held against those that a real bosh CLI made (fixtures/real-bosh/requests). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CpiRequest } from './scripted-world.ts';
import { TestEnvironment } from './test-environment.ts';

const folder = join(import.meta.dirname, '../../../fixtures/real-bosh/requests');

/** A recorded run without the `info` calls: bosh asks again and again what we know of our own CPI. */
function recorded(name: string): CpiRequest[] {
  const calls = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as { request: CpiRequest }[];
  return calls.map(({ request }) => request).filter(({ method }) => method !== 'info');
}

/** Requests with what differs from run to run put in one form: CIDs by order, times, ids, keys, paths. */
function normalized(requests: readonly CpiRequest[]): unknown {
  const names = new Map<string, string>();
  const nameOf = (cid: string, kind: string): string => {
    const known = names.get(cid);
    if (known) return known;
    const name = `${kind} ${[...names.values()].filter((other) => other.startsWith(kind)).length + 1}`;
    names.set(cid, name);
    return name;
  };
  const plain = (key: string, value: unknown): unknown => {
    if (key === 'authorized_keys' || key === 'cert') return 'a secret';
    if (typeof value !== 'string') return value;
    const [, kind] = /^(vm|disk|stemcell)-[0-9a-f]+$/.exec(value) ?? [];
    if (kind) return nameOf(value, kind);
    if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return 'a time';
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) return 'an id';
    return value.replace(/^\/.*\/image$/, 'a path');
  };
  return JSON.parse(JSON.stringify(requests, plain));
}

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await TestEnvironment.make();
});
afterAll(async () => await environment[Symbol.asyncDispose]());

test('a fresh create-env', async () => {
  const { requests } = await environment.createEnv();
  expect(normalized(requests)).toEqual(normalized(recorded('create-env-fresh')));
});

test('a bigger disk', async () => {
  const run = recorded('create-env-bigger-disk');
  const size = run.find(({ method }) => method === 'create_disk')?.arguments[0];
  await environment.replace('/disk_pools/name=disks/disk_size', size);
  const { requests } = await environment.createEnv();
  expect(normalized(requests)).toEqual(normalized(run));
});

test('--recreate', async () => {
  const { requests, messages } = await environment.createEnv({ recreate: true });
  expect(normalized(requests)).toEqual(normalized(recorded('create-env-recreate')));
  // contract 5.2: before the VM is deleted
  expect(messages.slice(0, 7)).toMatchObject([
    { method: 'ping' },
    { method: 'run_script', arguments: ['pre-stop', {}] },
    { method: 'drain', arguments: ['shutdown', {}] },
    { method: 'stop' },
    { method: 'run_script', arguments: ['post-stop', {}] },
    { method: 'list_disk' },
    { method: 'unmount_disk' },
  ]);
});

test('delete-env', async () => {
  const { requests } = await environment.deleteEnv();
  expect(normalized(requests)).toEqual(normalized(recorded('delete-env')));
});
