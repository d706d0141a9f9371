import type { RawAnswer } from '../../../src/verify/exchange.ts';
import { failure, type SimulatedCloud, text } from '../../support/simulated-cloud/cloud.ts';
import { type Liar, replace, stub } from './liar.ts';

const writes =
  (change: (answer: RawAnswer, request: string) => Partial<RawAnswer>) =>
  (cloud: SimulatedCloud): void => {
    cloud.write = (answer, request) => ({ ...answer, ...change(answer, request) });
  };

const isError = ({ stdout }: RawAnswer): boolean => !stdout.includes('"error":null');

/** Faults of the wire, of `info`, and towards what is not there. */
export const callLiars: readonly Liar[] = [
  {
    name: 'info tells API version 1',
    breaks: ['calls.info'],
    tell: replace('info', () => ({ stemcell_formats: ['simulated'], api_version: 1 })),
  },
  {
    name: 'info needs a director in its context',
    breaks: ['calls.info-anywhere'],
    tell: writes((answer, request) => (request.includes('director_uuid') ? {} : { stdout: refusal(answer) })),
  },
  {
    // ZPascal's libvirt CPI, for every hypervisor
    name: 'info tells formats of another hypervisor',
    breaks: ['calls.info-formats'],
    tell: replace('info', () => ({ stemcell_formats: ['vsphere-ovf'], api_version: 3 })),
  },
  {
    // the container CPIs' way with methods that they lack
    name: 'a method that it lacks succeeds',
    breaks: ['calls.unknown-method'],
    tell(cloud) {
      cloud.methods.no_such_method = () => null;
    },
  },
  {
    name: 'it dies of a request that is no JSON',
    breaks: ['calls.garbage'],
    tell: writes((_, request) =>
      request.startsWith('{') ? {} : { stdout: '', stderr: 'panic', exitCode: 2 },
    ),
  },
  {
    name: 'has_vm of nothing answers false',
    breaks: ['calls.arguments'],
    tell: replace('has_vm', (_, cloud, [cid]) => typeof cid === 'string' && cloud.vms.has(cid)),
  },
  {
    // bosh-cpi-go makes this of every connection that fails
    name: 'without its hypervisor it knows no method',
    breaks: ['calls.hypervisor-down'],
    tell() {},
    scene: () => ({ cutOff: async () => unsupported }),
  },
  {
    // ZPascal's libvirt CPI connects before it reads its request
    name: 'without its hypervisor it says nothing at all, not even to info',
    breaks: ['calls.hypervisor-down'],
    tell() {},
    scene: () => ({
      cutOff: async () => ({ stdout: '', stderr: 'no connection', exitCode: 1, heldOpen: false }),
    }),
  },
  {
    // the LXD CPI
    name: 'has_vm fails for a VM that is not there',
    breaks: ['unknown.has', 'create-env.recreate-delete'],
    tell: replace('has_vm', (_, cloud, [cid]) => Boolean(cloud.vm(cid))),
  },
  {
    // a2geek's libvirt CPI
    name: 'has_vm is inverted',
    breaks: ['unknown.has', 'create-env.create-vm'],
    tell: replace('has_vm', (_, cloud, [cid]) => !cloud.vms.has(text(cid))),
  },
  {
    // the LXD CPI
    name: 'has_disk fails for a disk that is not there',
    breaks: ['unknown.has'],
    tell: replace('has_disk', (_, cloud, [cid]) => Boolean(cloud.disk(cid))),
  },
  {
    name: 'deleting a VM that is not there fails',
    breaks: ['unknown.delete', 'vms.delete-again'],
    tell: replace('delete_vm', (honest, cloud, args) => {
      if (!cloud.vms.has(text(args[0]))) throw failure('CloudError', 'Domain not found');
      return honest(...args);
    }),
  },
  {
    // every peer: none has a typed error
    name: 'errors have no types',
    breaks: [
      'unknown.vm',
      'unknown.disk',
      'unknown.space',
      'disks.unknown',
      'swap.detach-again',
      'resize.shrink',
    ],
    tell: writes(({ stdout }) => ({
      stdout: stdout.replace(/Bosh::Clouds::\w+/, 'Bosh::Clouds::CloudError'),
    })),
  },
  {
    name: 'create_vm without a stemcell is to be tried again',
    breaks: ['unknown.stemcell'],
    tell: replace('create_vm', (honest, cloud, args) => {
      if (!cloud.stemcells.has(text(args[1]))) throw failure('VMCreationFailed', 'no stemcell', true);
      return honest(...args);
    }),
  },
  {
    // ZPascal's, docker's and a2geek's leave a part, or all
    name: 'a create_vm that fails leaves a VM',
    breaks: ['unknown.stemcell', 'vms.address-taken'],
    needsProbe: true,
    tell: replace('create_vm', (honest, cloud, args) => {
      const before = new Set(cloud.vms.keys());
      try {
        return honest(...args);
      } catch (error) {
        const [any] = before;
        const vm = any === undefined ? undefined : cloud.vms.get(any);
        const empty = { agentId: '', properties: {}, nics: [], mounted: [], metadata: {} };
        const half = {
          running: false,
          boots: 0,
          disks: new Set<string>(),
          root: { name: 'half', files: new Map() },
        };
        cloud.vms.set(cloud.newCid('vm'), { ...(vm ?? empty), ...empty, ...half });
        throw error;
      }
    }),
  },
  {
    name: 'nothing is written for a method that it lacks',
    breaks: ['answers.ready'],
    tell: writes((_, request) => (request.includes('no_such_method') ? { stdout: '' } : {})),
  },
  {
    name: 'there is text after the JSON',
    breaks: ['answers.document'],
    tell: writes(({ stdout }) => ({ stdout: `${stdout}done\n` })),
  },
  {
    name: 'log is null',
    breaks: ['answers.keys'],
    tell: writes(({ stdout }) => ({ stdout: stdout.replace('"log":""', '"log":null') })),
  },
  {
    name: 'an answer without an error has no key for it',
    breaks: ['answers.keys'],
    tell: writes(({ stdout }) => ({ stdout: stdout.replace('"error":null,', '') })),
  },
  {
    name: 'the exit status of an error is 1',
    breaks: ['answers.exit-status'],
    tell: writes((answer) => (isError(answer) ? { exitCode: 1 } : {})),
  },
  {
    name: 'a helper that it started holds stdout',
    breaks: ['answers.streams'],
    tell: writes(() => ({ heldOpen: true })),
  },
  {
    name: 'an error has a type of its own',
    breaks: ['answers.error-types'],
    tell: writes(({ stdout }) => ({ stdout: stdout.replace('Bosh::Clouds::CloudError', 'Libvirt::Error') })),
  },
  {
    name: 'stderr tells the request, keys and all',
    breaks: ['answers.secrets'],
    tell: writes((_, request) => ({ stderr: `request: ${request}\n` })),
  },
  {
    name: 'a disk is made where there is no room for it',
    breaks: ['unknown.space'],
    tell() {},
    scene: ({ cpi }) => ({ cramped: cpi }),
  },
  {
    name: 'delete_disk of a disk that is not there fails',
    breaks: ['dynamic.delete', 'unknown.delete'],
    tell: replace('delete_disk', (honest, cloud, args) => {
      if (!cloud.disks.has(text(args[0]))) throw failure('CloudError', 'no such volume');
      return honest(...args);
    }),
  },
  {
    name: 'delete_vm says yes and does nothing',
    breaks: ['create-env.recreate-delete', 'vms.delete-with-disk', 'at-once.delete-while-creating'],
    tell: stub('delete_vm'),
  },
  {
    name: 'delete_vm says yes and does nothing',
    breaks: ['leaves-nothing.deleted'],
    besides: ['vms.create'],
    tell: stub('delete_vm'),
  },
];

const refusal = ({ stdout }: RawAnswer): string =>
  stdout.replace(
    '"error":null',
    '"error":{"type":"Bosh::Clouds::CpiError","message":"who?","ok_to_retry":false}',
  );

const unsupported: RawAnswer = {
  stdout:
    '{"result":null,"error":{"type":"Bosh::Clouds::NotImplemented","message":"?","ok_to_retry":false},"log":""}',
  stderr: '',
  exitCode: 0,
  heldOpen: false,
};
