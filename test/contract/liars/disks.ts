import { failure, text } from '../../support/simulated-cloud/cloud.ts';
import { andThen, type Liar, replace, stub } from './liar.ts';

/** Lets each VM have at most so many disks at a time. */
const slots = (count: number): Liar['tell'] =>
  replace('attach_disk', (honest, cloud, args) => {
    const { disks } = cloud.vm(args[0]);
    if (disks.size >= count && !disks.has(text(args[1]))) throw failure('CloudError', 'no slot is free');
    return honest(...args);
  });

export const diskLiars: readonly Liar[] = [
  {
    // ZPascal's libvirt CPI
    name: 'attach_disk only writes down that it was called',
    breaks: ['disks.attach'],
    tell: replace('attach_disk', (_, cloud, [vm, disk]) => {
      cloud.vm(vm);
      cloud.disk(disk);
      return { path: `/dev/disk/by-id/virtio-${disk}` };
    }),
  },
  {
    name: 'attach_disk answers as API version 1 did, with nothing',
    breaks: ['create-env.disk', 'disks.attach'],
    tell: replace('attach_disk', (honest, _, args) => {
      honest(...args);
      return null;
    }),
  },
  {
    // the docker CPI
    name: 'the size of a disk is ignored',
    breaks: ['create-env.mount', 'disks.attach'],
    tell: replace('create_disk', (honest, _, [, ...args]) => honest(10_000, ...args)),
  },
  {
    name: 'a disk comes with a file system of another size',
    breaks: ['create-env.mount', 'disks.store'],
    tell: andThen('create_disk', (cloud, _, cid) => {
      cloud.disk(cid).preformattedMb = 1;
    }),
  },
  {
    name: 'attaching a disk empties it',
    breaks: ['create-env.recreate-data', 'disks.attach-again', 'swap.attach'],
    tell: andThen('attach_disk', (cloud, [, disk]) => {
      cloud.disk(disk).files.clear();
    }),
  },
  {
    // the docker CPI
    name: 'attach_disk makes the VM again',
    breaks: ['disks.attach-again', 'swap.attach'],
    tell: andThen('attach_disk', (cloud, [vm]) => cloud.start(cloud.vm(vm))),
  },
  {
    name: 'attaching a disk again is an error',
    breaks: ['disks.attach-again'],
    tell: replace('attach_disk', (honest, cloud, args) => {
      if (cloud.userOf(args[1])) throw failure('CloudError', 'it is attached');
      return honest(...args);
    }),
  },
  {
    // the container CPIs
    name: 'get_disks lists nothing',
    breaks: ['disks.list'],
    tell: replace('get_disks', () => []),
  },
  {
    // a2geek's libvirt CPI
    name: 'get_disks looks for a VM of another name',
    breaks: ['disks.list'],
    tell: replace('get_disks', (honest, _, [vm]) => honest(`vm-${vm}`)),
  },
  {
    // the LXD CPI
    name: 'get_disks lists names of devices',
    breaks: ['disks.list'],
    tell: replace('get_disks', () => ['root', 'sdc']),
  },
  {
    name: 'a disk can be attached to two VMs',
    breaks: ['disks.elsewhere'],
    tell: replace('attach_disk', (_, cloud, [vm, disk]) => {
      cloud.disk(disk);
      cloud.vm(vm).disks.add(text(disk));
      return { path: `/dev/disk/by-id/virtio-${disk}` };
    }),
  },
  {
    name: 'a disk is deleted under the VM that has it',
    breaks: ['disks.delete-attached'],
    tell: replace('delete_disk', (_, cloud, [cid]) => {
      cloud.disks.delete(text(cid));
      return null;
    }),
  },
  {
    name: 'set_disk_metadata fails',
    breaks: ['disks.metadata', 'create-env.disk'],
    tell: replace('set_disk_metadata', () => {
      throw failure('CloudError', 'no such key');
    }),
  },
  {
    // every peer but the LXD CPI
    name: 'set_disk_metadata says yes and keeps nothing',
    breaks: ['disks.metadata-kept'],
    tell: stub('set_disk_metadata'),
  },
  {
    // ZPascal's libvirt CPI
    name: 'detach_disk says yes and does nothing',
    breaks: ['swap.detach'],
    tell: stub('detach_disk'),
  },
  {
    name: 'detach_disk says yes for a disk that is not attached',
    breaks: ['swap.detach-again'],
    tell: replace('detach_disk', (_, cloud, [vm, disk]) => {
      cloud.vm(vm).disks.delete(text(disk));
      return null;
    }),
  },
  {
    name: 'attaching what is not there works',
    breaks: ['disks.unknown'],
    tell: replace('attach_disk', (_, cloud, [vm, disk]) => {
      cloud.vm(vm).disks.add(text(disk));
      return { path: `/dev/disk/by-id/virtio-${disk}` };
    }),
  },
  {
    // bosh-virtualbox's pauses a VM to plug a disk in
    name: 'an attach_disk that fails leaves the VM paused',
    breaks: ['disks.unknown'],
    tell: replace('attach_disk', (honest, cloud, args) => {
      if (!cloud.disks.has(text(args[1]))) cloud.vm(args[0]).running = false;
      return honest(...args);
    }),
  },
  {
    name: 'a VM has one slot for disks: no migration',
    breaks: ['create-env.bigger-disk'],
    tell: slots(1),
  },
  {
    // a2geek's and the LXD CPI
    name: 'a VM has two slots for disks',
    breaks: ['dynamic.attach'],
    tell: slots(2),
  },
  {
    name: 'detach_disk takes the first disk, whichever was meant',
    breaks: ['dynamic.any-order'],
    tell: replace('detach_disk', (honest, cloud, [vm]) => honest(vm ?? '', [...cloud.vm(vm).disks][0] ?? '')),
  },
  {
    name: 'a slot is not free again after its disk was detached',
    breaks: ['resize.ground'],
    tell(cloud) {
      const used = new Map<string, number>();
      replace('attach_disk', (honest, _, args) => {
        const count = (used.get(text(args[0])) ?? 0) + 1;
        used.set(text(args[0]), count);
        if (count > 1) throw failure('CloudError', 'no slot is free');
        return honest(...args);
      })(cloud);
    },
  },
  {
    name: 'delete_disk says yes and does nothing',
    breaks: ['create-env.delete-env', 'dynamic.delete'],
    tell: stub('delete_disk'),
  },
  {
    name: 'delete_disk makes has_disk forget the disk, which stays',
    breaks: ['leaves-nothing.storage'],
    besides: ['unknown.vm'],
    tell(cloud) {
      const forgotten = new Set<string>();
      cloud.methods.delete_disk = (cid) => {
        forgotten.add(text(cid));
        return null;
      };
      replace(
        'has_disk',
        (honest, _, args) => !forgotten.has(text(args[0])) && (honest(...args) ?? null),
      )(cloud);
    },
  },
  {
    // ZPascal's, bosh-virtualbox's and the container CPIs
    name: 'resize_disk says yes and changes nothing',
    breaks: ['resize.grow'],
    tell: stub('resize_disk'),
  },
  {
    name: 'resize_disk loses the data',
    breaks: ['resize.grow'],
    tell: andThen('resize_disk', (cloud, [disk]) => cloud.disk(disk).files.clear()),
  },
  {
    name: 'resize_disk makes disks smaller',
    breaks: ['resize.shrink'],
    tell: replace('resize_disk', (_, cloud, [disk, sizeMb]) => {
      cloud.disk(disk).sizeMb = Number(sizeMb);
      return null;
    }),
  },
  {
    name: 'resize_disk says yes for an attached disk and changes nothing',
    breaks: ['resize.attached'],
    tell: replace('resize_disk', (honest, cloud, args) => (cloud.userOf(args[0]) ? null : honest(...args))),
  },
  {
    name: 'update_disk gives an empty disk',
    breaks: ['update.disk'],
    tell: andThen('update_disk', (cloud, _, cid) => cloud.disk(cid).files.clear()),
  },
  {
    name: 'update_disk says that the disk keeps its CID, and changes nothing',
    breaks: ['update.disk'],
    tell: stub('update_disk'),
  },
  {
    // a2geek's: "snap-cid" for each
    name: 'all snapshots have one CID',
    breaks: ['snapshots.take'],
    tell: replace('snapshot_disk', (_, cloud, [disk]) => {
      cloud.disk(disk);
      return 'snap-cid';
    }),
  },
  {
    // ZPascal's and bosh-virtualbox's
    name: 'a snapshot has an empty CID',
    breaks: ['snapshots.take'],
    tell: replace('snapshot_disk', () => ''),
  },
  {
    name: 'a snapshot holds nothing',
    breaks: ['snapshots.content'],
    tell: andThen('snapshot_disk', (cloud, _, cid) => {
      cloud.snapshots.set(text(cid), '');
    }),
  },
  {
    name: 'a snapshot shows the disk as it is now',
    breaks: ['snapshots.content'],
    tell: andThen('snapshot_disk', (cloud, [disk]) => {
      const { files } = cloud.disk(disk);
      for (const snapshot of cloud.snapshots.keys())
        cloud.snapshots.set(snapshot, [...files.values()].join('\n'));
    }),
  },
  {
    name: 'snapshots go with the VM',
    breaks: ['snapshots.outlive'],
    tell: andThen('delete_vm', (cloud) => cloud.snapshots.clear()),
  },
  {
    name: 'delete_snapshot says yes and does nothing',
    breaks: ['snapshots.delete'],
    needsProbe: true,
    tell: stub('delete_snapshot'),
  },
];
