import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decideEnvironment } from '../../../src/environment/decide.ts';
import type { EnvironmentRecord } from '../../../src/environment/record.ts';
import { chosenStemcell } from '../../../src/environment/up-settings.ts';

const record: EnvironmentRecord = {
  version: 1,
  name: 'default',
  backend: 'qemu',
  profile: 'machine',
  engine: 'builtin',
  uri: 'qemu:///system',
  host: 'system',
  network: { name: 'n', bridge: 'b', cidr: '10.7.7.0/24', gateway: '10.7.7.1', ip: '10.7.7.10' },
  pool: { name: 'p', path: '/p' },
  resources: { cpus: 1, memoryMb: 512, ephemeralDiskMb: 1024, persistentDiskMb: 1024 },
  ops: [],
  varsFiles: [],
  vars: {},
  phase: 'up',
};

test('the stemcell or the agent that was named last counts, and stays until another is named', () => {
  const withAgent = { ...record, agent: { path: '/agent', sha256: 'old' } };
  const withStemcell = { ...record, stemcell: '/stemcell' };
  expect(chosenStemcell({}, undefined)).toEqual({});
  expect(chosenStemcell({}, withAgent)).toEqual({ agent: '/agent' });
  expect(chosenStemcell({}, withStemcell)).toEqual({ stemcell: '/stemcell' });
  expect(chosenStemcell({ stemcell: '/other' }, withAgent)).toEqual({ stemcell: '/other' });
  expect(chosenStemcell({ agent: '/other' }, withStemcell)).toEqual({ agent: '/other' });
});

test('an agent that was built anew is another one as soon as it is named again', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'agent-'));
  const agent = join(folder.path, 'bosh-agent');
  await writeFile(agent, 'first');
  const made = await decideEnvironment('default', { agent }, record, record);
  await writeFile(agent, 'second');
  expect((await decideEnvironment('default', {}, made, made)).agent).toEqual(made.agent);
  expect((await decideEnvironment('default', { agent }, made, made)).agent?.sha256).not.toBe(
    made.agent?.sha256,
  );
});
