/** What a real bosh CLI asked (fixtures/real-bosh/requests), asked of our CPI in the same order. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../src/cpi/backend.ts';
import type { CpiResponse } from '../../../src/cpi/wire.ts';
import { MemoryHost } from '../../support/memory-backend.ts';
import { MemoryCpi } from '../../support/memory-cpi.ts';
import { stemcellFile } from './methods/stemcell-file.ts';

const folder = join(import.meta.dirname, '../../fixtures/real-bosh/requests');

interface Call {
  readonly request: {
    readonly method: string;
    readonly arguments: readonly JsonValue[];
    readonly context: { readonly director_uuid: string };
  };
  readonly response: CpiResponse;
}

const callsIn = (name: string): Call[] =>
  JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Call[];

/** Asks all of a run's questions. A CID or path that bosh had from elsewhere is replaced by ours. */
async function replay(
  calls: readonly Call[],
  cpi: MemoryCpi,
  ours: Map<string, string>,
): Promise<CpiResponse[]> {
  const answers: CpiResponse[] = [];
  for (const { request, response } of calls) {
    const text = [...ours].reduce(
      (left, [theirs, own]) => left.replaceAll(`"${theirs}"`, `"${own}"`),
      JSON.stringify(request),
    );
    const answer = await cpi.respond(text);
    const [theirs, own] = [cidIn(response.result), cidIn(answer.result)];
    if (theirs && own) ours.set(theirs, own);
    answers.push(answer);
  }
  return answers;
}

function cidIn(result: JsonValue): string | undefined {
  const first = Array.isArray(result) ? (result[0] as JsonValue) : result;
  return typeof first === 'string' ? first : undefined;
}

/** Makes what a run takes for granted: the stemcell file, and whatever an earlier run had made. */
async function before(
  calls: readonly Call[],
  cpi: MemoryCpi,
  imagePath: string,
): Promise<Map<string, string>> {
  const made = calls.flatMap(({ response }) => cidIn(response.result) ?? []);
  const argument = (method: string, at: number): string | undefined => {
    const found = calls.find(({ request }) => request.method === method)?.request.arguments[at];
    const text = Array.isArray(found) ? found[0] : found;
    return typeof text === 'string' && !made.includes(text) ? text : undefined;
  };
  cpi.director = calls[0]?.request.context.director_uuid ?? ''; // a state file keeps its own over all runs
  const stemcell = String(await cpi.call('create_stemcell', imagePath, {}));
  const [vm] = (await cpi.call(
    'create_vm',
    'agent-0',
    stemcell,
    {},
    { default: { type: 'manual' } },
    [],
    {},
  )) as [string];
  const disk = String(await cpi.call('create_disk', 256, {}, vm));
  await cpi.call('attach_disk', vm, disk);
  const theirs = [
    [argument('create_stemcell', 0), imagePath],
    [argument('create_vm', 1) ?? argument('delete_stemcell', 0), stemcell],
    [argument('has_vm', 0), vm],
    [argument('create_vm', 4) ?? argument('delete_disk', 0), disk],
  ] as const;
  return new Map(theirs.flatMap(([name, own]) => (name === undefined ? [] : [[name, own]])));
}

/** A run from a world in which the earlier runs have been, seen from its end. */
async function run(name: string) {
  await using file = await stemcellFile();
  const calls = callsIn(name);
  const cpi = new MemoryCpi(new MemoryHost());
  const ours = await before(calls, cpi, file.path);
  const answers = await replay(calls, cpi, ours);
  return { calls, answers, host: cpi.host };
}

const names = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace('.json', ''));

describe.each(names)('%s', (name) => {
  test('each question has an answer that the CLI can use', async () => {
    const { calls, answers } = await run(name);
    for (const [at, { request, response }] of calls.entries()) {
      const { result, error, log } = answers[at] as CpiResponse;
      expect({ error, log }, `${at}: ${request.method}`).toEqual({ error: null, log: '' });
      expectSameKind(request, result, response.result);
    }
  });
});

function expectSameKind(
  { method, arguments: args }: Call['request'],
  result: JsonValue,
  recorded: JsonValue,
): void {
  if (method === 'info')
    expect(result).toMatchObject({ api_version: 3, stemcell_formats: expect.any(Array) });
  else if (method === 'attach_disk') expect(result).toEqual({ path: expect.stringContaining('disk-') });
  else if (method === 'create_vm') {
    const networks = args[3] as Record<string, object>;
    const mac = expect.any(String);
    const withMacs = Object.entries(networks).map(([key, network]) => [key, { ...network, mac }]);
    expect(result).toEqual([expect.stringMatching(/^vm-/), Object.fromEntries(withMacs)]);
  } else if (typeof recorded === 'string') expect(result).toEqual(expect.any(String));
  else expect(result).toEqual(recorded);
}

describe('what is there afterwards', () => {
  test('create-env: one VM with its disk, its settings and its name', async () => {
    const { host } = await run('create-env-fresh');
    const vm = [...host.vms.values()].at(-1);
    expect(vm).toMatchObject({ state: 'running', metadata: { name: 'tiny/0', deployment: 'tiny-env' } });
    expect([...(vm?.disks ?? [])].map((cid) => host.disk(cid).sizeMb)).toEqual([512]);
    expect(vm?.settings?.env).toHaveProperty('bosh.mbus.cert.private_key');
  });

  test.each([['create-env-recreate'], ['create-env-recreate-dead-agent']])(
    '%s: the disk has moved to the new VM',
    async (name) => {
      const { host } = await run(name);
      expect([host.vms.size, host.disks.size]).toEqual([1, 1]);
      expect([...host.vms.values()].flatMap((vm) => [...vm.disks])).toEqual([...host.disks.keys()]);
    },
  );

  test('create-env with a bigger disk: the old disk is gone', async () => {
    const { host, calls } = await run('create-env-bigger-disk');
    const size = calls.find(({ request }) => request.method === 'create_disk')?.request.arguments[0];
    expect([...host.disks.values()].map((disk) => disk.sizeMb)).toEqual([size]);
    expect([...host.vms.values()].flatMap((vm) => [...vm.disks])).toEqual([...host.disks.keys()]);
  });

  test.each([['delete-env'], ['delete-env-container']])('%s: nothing', async (name) => {
    const { host } = await run(name);
    expect([host.vms.size, host.disks.size, host.stemcells.size]).toEqual([0, 0, 0]);
  });
});
