/** The clauses about create-env make the calls of a real bosh, in its order and its form (test/fixtures/real-bosh). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runSuite } from '../../../src/verify/run-suite.ts';
import { simulatedScene } from '../../support/simulated-cloud/scene.ts';

interface Request {
  readonly method: string;
  readonly arguments: readonly unknown[];
  readonly context: object;
  readonly api_version: number;
}

async function recorded(name: string): Promise<Request[]> {
  const path = join(import.meta.dirname, '../../fixtures/real-bosh/requests', `${name}.json`);
  const run = JSON.parse(await readFile(path, 'utf8')) as { request: Request }[];
  return run.map(({ request }) => request);
}

/** The requests of each clause of create-env, by its id. */
async function ours(): Promise<Map<string, Request[]>> {
  await using simulated = await simulatedScene();
  const { scene } = simulated;
  const requests = new Map<string, Request[]>();
  let clause = '';
  const cpi: typeof scene.cpi = async (text, caller) => {
    if (caller === 'cli') requests.get(clause)?.push(JSON.parse(text) as Request);
    return await scene.cpi(text, caller);
  };
  const onBegin = ({ id }: { id: string }) => {
    clause = id;
    requests.set(id, []);
  };
  const { failed } = await runSuite({ ...scene, cpi }, { only: ['create-env'], onBegin });
  expect(failed).toBe(0);
  return requests;
}

const methodsOf = (requests: readonly Request[]) =>
  requests.map(({ method }) => method).filter((method) => method !== 'info');

/** Of the calls those that are also among the wanted ones, in order; what we ask besides is left out. */
function inOrder(calls: readonly string[], wanted: readonly string[]): string[] {
  let at = 0;
  for (const call of calls) if (call === wanted[at]) at += 1;
  return wanted.slice(0, at);
}

test.each([
  ['create-env-fresh', ['create-vm', 'agent', 'network', 'disk', 'mount']],
  ['create-env-recreate', ['recreate-delete', 'stemcell-change', 'recreate-data']],
  ['create-env-recreate-dead-agent', ['dead-agent']],
  ['create-env-bigger-disk', ['dead-agent', 'bigger-disk']],
  ['delete-env', ['delete-env']],
])('%s', async (name, clauses) => {
  const requests = await ours();
  const calls = clauses.flatMap((id) => methodsOf(requests.get(`create-env.${id}`) ?? []));
  const wanted = methodsOf(await recorded(name));
  expect(inOrder(calls, wanted)).toEqual(wanted);
});

test('requests have the form of bosh’s own', async () => {
  const all = [...(await ours()).values()].flat();
  const real = await recorded('create-env-fresh');
  const [info] = real;
  const call = real.find(({ method }) => method === 'create_vm');
  const shape = (request: Request | undefined) => [
    Object.keys(request ?? {}),
    Object.keys(request?.context ?? {}),
    request?.api_version,
  ];
  for (const request of all)
    expect(shape(request), request.method).toEqual(shape(request.method === 'info' ? info : call));
});

test('bosh asks for info before each call', async () => {
  const methods = [...(await ours()).values()].flat().map(({ method }) => method);
  methods.forEach((method, at) => {
    if (method !== 'info') expect(methods[at - 1], `before ${method}`).toBe('info');
  });
});
