import { beforeEach, expect, test } from 'vitest';
import type { Backend, StemcellCid, VmCid } from '../../../../src/cpi/backend.ts';
import { AgentClient } from '../../../../src/engine/agent-client/index.ts';
import { generateCertificate } from '../../../../src/engine/template/certificates.ts';
import { shutDownByAgent } from '../../../../src/environment/director/clear-the-way.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { MemoryHost, openMemory } from '../../../support/memory-backend.ts';
import { type Act, type Identity, ScriptedAgent } from '../../engine/agent-client/scripted-agent.ts';

const vm = 'vm-1' as VmCid;
const ip = '10.9.8.7';
const { signal } = new AbortController();

let host: MemoryHost;
let backend: Backend;
beforeEach(async () => {
  host = new MemoryHost();
  backend = openMemory(host);
  const stemcell = 'stemcell-1' as StemcellCid;
  host.stemcells.set(stemcell, { sha256: '', properties: {}, tags: {}, bytes: 1, owners: new Set() });
  const shape = { cloudProperties: {}, nics: [], metadata: {} };
  await backend.vms.create({ cid: vm, stemcell, ...shape } as unknown as Parameters<
    Backend['vms']['create']
  >[0]);
  await backend.vms.start(vm);
});

/** An agent that answers by `act`, and what comes of asking it to go. */
async function asked(act: Act): Promise<string[]> {
  const keys = { key_length: 2048, common_name: ip };
  const ca = await generateCertificate('ca', { ...keys, is_ca: true }, async () => undefined);
  const options = { ...keys, ca: 'ca', alternative_names: [ip] };
  const identity: Identity = await generateCertificate('ssl', options, async () => ({ ...ca }));
  await using agent = await ScriptedAgent.start(identity, act);
  const mbus = `https://mbus:${agent.password}@${ip}:6868`;
  const client = new AgentClient({ mbus, ca: identity.ca, road: agent.road, log: silentLog });
  const said: string[] = [];
  await shutDownByAgent(vm, {
    ...{ ground: backend.ground, log: silentLog, signal, agent: async () => client },
    say: (line) => said.push(line),
  });
  return said;
}

test('the guest is asked to go, and waited for until it is off', async () => {
  const said = await asked(({ method }) => {
    if (method === 'shutdown') setTimeout(() => (host.vm(vm).state = 'off'), 50);
    return null;
  });
  expect(host.vm(vm).state).toBe('off');
  expect(said).toHaveLength(1);
});

test('an agent that does not know how leaves the machine to bosh', async () => {
  const methods: string[] = [];
  await asked(({ method }) => {
    methods.push(method);
    if (method === 'shutdown') throw new Error('unknown message shutdown');
    return null;
  });
  expect(methods).toEqual(['ping', 'shutdown']);
  expect(host.vm(vm).state).toBe('running');
});

test('a machine that is off is not asked', async () => {
  host.vm(vm).state = 'off';
  expect(await asked(() => expect.fail('it was asked'))).toEqual([]);
});
