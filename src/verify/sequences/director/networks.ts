import type { Clause } from '../../clause.ts';
import { isObject } from '../../exchange.ts';
import { ClauseSkipped } from '../../outcome.ts';
import { isUnsupported, said, typeOf } from '../../trial.ts';
import type { DirectorState } from './state.ts';

export const makingNetworks: readonly Clause<DirectorState>[] = [
  {
    id: 'networks.create',
    title: 'create_network makes a network that the director manages, and tells its range',
    section: '1.3',
    async run(trial, state) {
      const { managedNetwork } = trial.scene;
      if (!managedNetwork) throw new ClauseSkipped('no range was given for a managed network');
      const answer = await trial.offered('create_network', managedNetwork.definition);
      const [cid, facts, cloudProperties] = Array.isArray(answer) ? answer : [];
      const good = typeof cid === 'string' && cid !== '' && isObject(facts) && isObject(cloudProperties);
      trial.check(good, '[network CID, {range, gateway, reserved}, cloud properties]', answer, 'wire');
      const { range, gateway } = managedNetwork.definition;
      trial.same(isObject(facts) ? facts.range : undefined, range, 'the range', 'wire');
      trial.same(isObject(facts) ? facts.gateway : undefined, gateway, 'the gateway', 'wire');
      state.managed = { cid: String(cid), cloudProperties: isObject(cloudProperties) ? cloudProperties : {} };
    },
  },
];

export const usingNetworks: readonly Clause<DirectorState>[] = [
  {
    id: 'networks.use',
    title: 'A VM has a NIC and its address on the managed network',
    section: '1.3',
    after: ['networks.create', 'vms.awake'],
    needs: ['guest'],
    async run(trial, { b }) {
      const { nics } = await trial.guest(b).facts();
      const address = trial.scene.managedNetwork?.address ?? '';
      trial.check(
        nics.some((nic) => nic.addresses.includes(address)),
        `a NIC with ${address}`,
        nics,
        'guest',
      );
    },
  },
];

export const deletingNetworks: readonly Clause<DirectorState>[] = [
  {
    id: 'networks.delete',
    title: 'delete_network takes it away once no VM is on it; a second time is no failure for bosh',
    section: '1.3',
    after: ['networks.create'],
    async run(trial, { managed, b }) {
      if (b.cid !== '') await trial.call('delete_vm', b.cid);
      const cid = managed?.cid ?? '';
      await trial.call('delete_network', cid);
      const { error } = trial.answerOf(await trial.ask('delete_network', [cid]));
      if (!error || isUnsupported(error)) return;
      trial.check(typeOf(error) === 'NetworkNotFound', 'success or NetworkNotFound', said(error), 'wire');
    },
  },
];
