import { isIP } from 'node:net';
import type { JsonObject, JsonValue } from '../../../cpi/backend.ts';
import type { Clause } from '../../clause.ts';
import { isObject } from '../../exchange.ts';
import { ClauseSkipped } from '../../outcome.ts';
import { networksFor } from '../../scene.ts';
import { stemcellAtHand } from '../../stemcell-at-hand.ts';
import { said, type Trial, typeOf } from '../../trial.ts';
import type { DirectorState } from './state.ts';

/** Its addresses in the scene's networks. */
const number = 3;
const group = { nic_group: '1' };
/** Of a unique local network (RFC 4193). */
const ipv6 = { ip: 'fd6f:7368:7669:7274::20', prefix: '64', netmask: 'ffff:ffff:ffff:ffff::' };
const vip = { type: 'vip', ip: '192.0.2.7', cloud_properties: {} };

export const makingSpecialNetworks: readonly Clause<DirectorState>[] = [
  {
    id: 'networks.special',
    title: 'create_vm takes a dynamic network, and an IPv4 and an IPv6 network that share a NIC',
    section: '1.6',
    async run(trial, state) {
      const networks = specialNetworks(trial);
      const { vmProperties, guests } = trial.scene;
      const stemcell = await stemcellAtHand(trial);
      const request = [vmProperties, networks, [], guests?.env ?? {}] as const;
      const agentId = 'agent-on-special-networks';
      const answer = await trial.offered('create_vm', agentId, stemcell, ...request);
      state.special = { ...trial.madeVm(answer, agentId, networks), address: ipOf(answer, 'dynamic') };
    },
  },
  {
    id: 'networks.dynamic-address',
    title: 'BOSH is told the address that the VM has on a dynamic network',
    section: '1.6',
    after: ['networks.special'],
    run: async (trial, { special }) =>
      trial.check(isIP(special.address) !== 0, 'an address in the answer', special.networks, 'wire'),
  },
  {
    id: 'networks.vip',
    title: 'A vip network is NotSupported, or the VM is made',
    section: '1.6',
    async run(trial) {
      const { vmProperties, networks: known, guests } = trial.scene;
      const networks = { ...networksFor(known.slice(0, 1), number), vip };
      const request = [
        'agent-with-vip',
        await stemcellAtHand(trial),
        vmProperties,
        networks,
        [],
        guests?.env ?? {},
      ];
      const { error, result } = trial.answerOf(await trial.ask('create_vm', request));
      if (error) return trial.check(typeOf(error) === 'NotSupported', 'NotSupported', said(error), 'wire');
      await trial.call('delete_vm', trial.madeVm(result, '', networks).cid);
    },
  },
];

export const usingSpecialNetworks: readonly Clause<DirectorState>[] = [
  {
    id: 'networks.dynamic',
    title: 'The VM is at the address that BOSH was told, with the default route there',
    section: '1.6',
    after: ['networks.dynamic-address'],
    needs: ['guest'],
    async run(trial, { special }) {
      const guest = trial.guest(special);
      await guest.awake();
      const { nics, gatewayNic } = await guest.facts();
      const nic = nics.find(({ addresses }) => addresses.includes(special.address));
      trial.check(nic !== undefined, `a NIC with ${special.address}`, nics, 'guest');
      trial.same(gatewayNic, nic?.name, 'the NIC of the default route', 'guest');
    },
  },
  {
    id: 'networks.group',
    title: 'Networks of one nic_group share a NIC, which has the addresses of both',
    section: '1.6',
    after: ['networks.dynamic'],
    needs: ['guest'],
    async run(trial, { special }) {
      const { nics } = await trial.guest(special).facts();
      trial.same(nics.length, 2, 'the number of NICs', 'guest');
      const [v4, v6] = ['grouped', 'grouped-6'].map((name) => String((special.sent[name] as JsonObject).ip));
      const shared = nics.find(({ addresses }) => addresses.includes(v4 ?? ''));
      trial.check(shared?.addresses.includes(v6 ?? '') === true, `a NIC with ${v4} and ${v6}`, nics, 'guest');
      await trial.call('delete_vm', special.cid);
    },
  },
];

function specialNetworks(trial: Trial): Record<string, JsonValue> {
  const { dynamicNetwork, networks } = trial.scene;
  const other = networks[1];
  if (!dynamicNetwork) throw new ClauseSkipped('no dynamic network was given');
  if (!other) throw new ClauseSkipped('no second network was given');
  const { grouped } = networksFor([{ ...other, name: 'grouped' }], number) as { grouped: JsonObject };
  const { default: _, ...first } = grouped;
  return {
    dynamic: { type: 'dynamic', ...dynamicNetwork.spec, default: ['dns', 'gateway'] },
    grouped: { ...first, ...group },
    'grouped-6': { ...other.spec, ...ipv6, ...group },
  };
}

function ipOf(answer: JsonValue, network: string): string {
  const networks = Array.isArray(answer) ? (answer[1] as JsonValue) : null;
  const told = isObject(networks) ? networks[network] : undefined;
  return isObject(told) && typeof told.ip === 'string' ? told.ip : '';
}
