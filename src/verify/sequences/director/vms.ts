import type { JsonObject, JsonValue } from '../../../cpi/backend.ts';
import { allEnded } from '../../../platform/all-ended.ts';
import type { Clause } from '../../clause.ts';
import { isObject } from '../../exchange.ts';
import { expectAwake, expectGone, expectNetworks, expectNics } from '../../expectations.ts';
import { ClauseSkipped } from '../../outcome.ts';
import { networksFor } from '../../scene.ts';
import { stemcellAtHand } from '../../stemcell-at-hand.ts';
import { said, type Trial, typeOf } from '../../trial.ts';
import type { DirectorState } from './state.ts';

/** This sequence's addresses in the scene's networks. */
const [numberA, numberB] = [1, 2];
/** A manifest's `vm_resources`. */
const wanted = { cpu: 1, ram: 320, ephemeral_disk_size: 384 };
/** A kernel keeps some memory for itself, a file system some of its disk. */
const [memoryShare, dataShare] = [0.7, 0.7];
const rootNote = '/root/verify-note';

export const makingVms: readonly Clause<DirectorState>[] = [
  {
    id: 'vms.calculate',
    title: 'calculate_vm_cloud_properties answers properties for what a manifest asks for',
    section: '1.3',
    async run(trial, state) {
      const answer = await trial.offered('calculate_vm_cloud_properties', wanted);
      trial.check(isObject(answer) && Object.keys(answer).length > 0, 'cloud properties', answer, 'wire');
      state.calculated = answer as JsonObject;
    },
  },
  {
    id: 'vms.wrong-property',
    title: 'A cloud property that makes no sense is refused, not to be tried again, and leaves no VM',
    section: '8.1',
    async run(trial) {
      const { vmProperties, networks, guests, hypervisor } = trial.scene;
      const [key] = Object.keys(vmProperties);
      if (key === undefined) throw new ClauseSkipped('no cloud properties of a VM were given');
      const before = await hypervisor?.vms();
      const properties = { ...vmProperties, [key]: { nonsense: true } };
      const request = [
        properties,
        networksFor(networks.slice(0, 1), numberA),
        [],
        guests?.env ?? {},
      ] as const;
      const error = await trial.refused(
        [],
        'create_vm',
        'agent-of-nobody',
        await stemcellAtHand(trial),
        ...request,
      );
      trial.check(!error.ok_to_retry, 'ok_to_retry false: another try cannot help', 'true', 'wire');
      trial.same((await hypervisor?.vms())?.sort(), before?.sort(), 'the VMs after it', 'hypervisor');
    },
  },
  {
    id: 'vms.create',
    title: 'Two VMs made at once both stand, with CIDs of their own; each network is answered as it was sent',
    section: '8.1',
    async run(trial, state) {
      const stemcell = await stemcellAtHand(trial);
      const properties = { ...trial.scene.vmProperties, ...state.calculated };
      [state.a, state.b] = await allEnded([
        trial.createVm({ number: numberA, stemcell, properties }),
        trial.createVm({ number: numberB, stemcell, networks: networksOfB(trial, state) }),
      ]);
      trial.check(state.a.cid !== state.b.cid, 'two CIDs', state.a.cid, 'wire');
      for (const vm of [state.a, state.b]) {
        expectNetworks(trial, vm);
        trial.same(await trial.call('has_vm', vm.cid), true, 'has_vm', 'wire');
      }
    },
  },
  {
    id: 'vms.awake',
    title: 'Both agents answer, each as the one that was asked for',
    section: '2.3',
    after: ['vms.create'],
    needs: ['guest'],
    async run(trial, { a, b }) {
      await allEnded([expectAwake(trial, a), expectAwake(trial, b)]);
    },
  },
  {
    id: 'vms.resources',
    title: 'The guest has at least the memory and the ephemeral disk that were calculated',
    section: '1.3',
    after: ['vms.calculate', 'vms.awake'],
    needs: ['guest'],
    async run(trial, { a }) {
      const { memoryMb, dataMb } = await trial.guest(a).facts();
      trial.check(memoryMb >= wanted.ram * memoryShare, `${wanted.ram} MiB of memory`, memoryMb, 'guest');
      const leastMb = wanted.ephemeral_disk_size * dataShare;
      trial.check(dataMb >= leastMb, `${wanted.ephemeral_disk_size} MiB for /var/vcap/data`, dataMb, 'guest');
    },
  },
  {
    id: 'vms.nics',
    title: 'A VM on several networks has their NICs in order, with the MACs that the CPI told',
    section: '8.1',
    after: ['vms.awake'],
    needs: ['guest'],
    run: async (trial, { b }) => await expectNics(trial, b),
  },
  {
    id: 'vms.own-root',
    title: 'Neither VM sees what the other writes to its root disk',
    section: '4.2',
    after: ['vms.awake'],
    needs: ['guest'],
    async run(trial, { a, b }) {
      await trial.guest(a).write(rootNote, 'of a');
      trial.same(await trial.guest(b).read(rootNote), undefined, `${rootNote} in the other guest`, 'guest');
      await trial.guest(b).write(rootNote, 'of b');
      trial.same(await trial.guest(a).read(rootNote), 'of a', rootNote, 'guest');
    },
  },
  {
    id: 'vms.own-images',
    title: 'Two VMs share nothing that either may write to',
    section: '4.2',
    after: ['vms.create'],
    needs: ['hypervisor'],
    async run(trial, { a, b }) {
      const [ofA, ofB] = [
        await trial.hypervisor.writableImages(a.cid),
        await trial.hypervisor.writableImages(b.cid),
      ];
      trial.check(ofA.length > 0 && ofB.length > 0, 'images of each VM', [ofA, ofB], 'hypervisor');
      const shared = ofA.filter((path) => ofB.includes(path));
      trial.same(shared, [], 'the images that both may write to', 'hypervisor');
    },
  },
  {
    id: 'vms.address-taken',
    title: 'An address that another VM has is VMCreationFailed, worth another try, and leaves no VM',
    section: '8.1',
    after: ['vms.create'],
    async run(trial, { a }) {
      const { vmProperties, guests, hypervisor } = trial.scene;
      const before = await hypervisor?.vms();
      const stemcell = await stemcellAtHand(trial);
      const request = ['agent-of-nobody', stemcell, vmProperties, a.sent, [], guests?.env ?? {}] as const;
      const error = await trial.refused(['VMCreationFailed'], 'create_vm', ...request);
      trial.check(error.ok_to_retry, 'ok_to_retry true: the other VM may be on its way out', 'false', 'wire');
      trial.check(error.message.includes(a.cid), `a message that names ${a.cid}`, error.message, 'wire');
      trial.same((await hypervisor?.vms())?.sort(), before?.sort(), 'the VMs after it', 'hypervisor');
    },
  },
  {
    id: 'vms.metadata',
    title: 'set_vm_metadata takes what a director sends, with any characters, again and again',
    section: '1.7',
    after: ['vms.create'],
    async run(trial, { a }) {
      for (const tag of ['first', marker]) await trial.offered('set_vm_metadata', a.cid, vmMetadata(tag));
    },
  },
  {
    id: 'vms.metadata-kept',
    title: "The hypervisor's notes about the VM have its metadata",
    section: '1.7',
    after: ['vms.metadata'],
    needs: ['hypervisor'],
    async run(trial, { a }) {
      const kept = await trial.hypervisor.remembers(a.cid, marker);
      trial.check(kept, `${marker} in the notes about ${a.cid}`, 'nothing of it', 'hypervisor');
    },
  },
];

export const deletingVms: readonly Clause<DirectorState>[] = [
  {
    id: 'vms.delete-with-disk',
    title: 'delete_vm of a VM with a disk takes the VM away and keeps the disk',
    section: '8.1',
    after: ['resize.ground'],
    needs: ['guest'],
    async run(trial, { a, growing }) {
      await trial.call('delete_vm', a.cid);
      await expectGone(trial, a);
      trial.same(await trial.call('has_disk', growing.cid), true, 'has_disk after delete_vm', 'wire');
    },
  },
  {
    id: 'vms.delete-again',
    title: 'Deleting a VM a second time works, or answers VMNotFound',
    section: '1.4',
    after: ['vms.delete-with-disk'],
    async run(trial, { a }) {
      const { error } = trial.answerOf(await trial.ask('delete_vm', [a.cid]));
      if (error) trial.check(typeOf(error) === 'VMNotFound', 'success or VMNotFound', said(error), 'wire');
    },
  },
];

/** Unlike anything else, and with what XML and shells trip over. */
const marker = 'verify-tag-7f3a';

const vmMetadata = (tag: string): JsonObject => ({
  director: 'verify',
  deployment: 'cf',
  id: '0d5b8b0e',
  job: 'web',
  instance_group: 'web',
  index: '0',
  name: 'web/0d5b8b0e',
  created_at: '2026-11-25T16:00:00Z',
  tag,
  odd: `<&"'>é`,
});

/** All of the scene's networks, and the managed one if there is one. */
function networksOfB(trial: Trial, { managed }: DirectorState): Record<string, JsonValue> {
  const { networks, managedNetwork } = trial.scene;
  const plain = networksFor(networks, numberB);
  if (!managed || !managedNetwork) return plain;
  const { address: ip, netmask } = managedNetwork;
  const { cloudProperties } = managed;
  return { ...plain, managed: { type: 'manual', ip, netmask, cloud_properties: cloudProperties } };
}
