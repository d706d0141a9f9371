import type { JsonObject } from '../../../src/cpi/backend.ts';
import { failure, text } from '../../support/simulated-cloud/cloud.ts';
import { andThen, type Liar, networksIn, newVm, replace, stub } from './liar.ts';

export const vmLiars: readonly Liar[] = [
  {
    name: 'create_vm answers as API version 1 did, with the CID alone',
    breaks: ['create-env.create-vm', 'vms.create'],
    tell: replace('create_vm', (honest, _, args) => (honest(...args) as [string])[0]),
  },
  {
    // bosh-cpi-go drops keys that it does not know
    name: 'networks come back without the keys that it does not know',
    breaks: ['create-env.create-vm', 'vms.create'],
    tell: replace('create_vm', (honest, _, args) => {
      const answer = honest(...args) as [string, Record<string, JsonObject>];
      const known = Object.entries(answer[1]).map(([name, { prefix: _dropped, ...network }]) => [
        name,
        network,
      ]);
      return [answer[0], Object.fromEntries(known)];
    }),
  },
  {
    // ZPascal's: no VM of it could ever read its settings
    name: 'the guest has no settings: its agent never answers',
    breaks: ['create-env.agent', 'vms.awake'],
    tell: andThen('create_vm', (cloud, _, answer) => {
      newVm(cloud, answer).running = false;
    }),
  },
  {
    name: 'the settings are those of another VM',
    breaks: ['create-env.agent', 'vms.awake'],
    tell: replace('create_vm', (honest, _, [, ...args]) => honest('agent-of-another', ...args)),
  },
  {
    // bosh-virtualbox's and the LXD CPI's NICs follow the order of a map
    name: 'NICs are shuffled',
    breaks: ['vms.nics'],
    tell: andThen('create_vm', (cloud, _, answer) => {
      newVm(cloud, answer).nics.reverse();
    }),
  },
  {
    name: 'the MAC that it tells is not that of the NIC',
    breaks: ['create-env.network', 'vms.nics'],
    tell: andThen('create_vm', (cloud, _, answer) => {
      for (const nic of newVm(cloud, answer).nics) nic.mac = `02${nic.mac.slice(2)}`;
    }),
  },
  {
    // bosh-cpi-go's CPIs: an address is not an IPv6 one
    name: 'IPv6 is an error',
    breaks: ['networks.special'],
    tell: replace('create_vm', (honest, _, args) => {
      if (JSON.stringify(args[3]).includes('::')) throw failure('CloudError', 'invalid address');
      return honest(...args);
    }),
  },
  {
    name: 'nobody tells BOSH the address on a dynamic network',
    breaks: ['networks.dynamic-address'],
    tell: andThen('create_vm', (_, __, answer) => {
      for (const network of Object.values(networksIn(answer)))
        if (network.type === 'dynamic') Object.assign(network, { ip: null });
    }),
  },
  {
    name: 'the address on a dynamic network is another one than BOSH was told',
    breaks: ['networks.dynamic'],
    tell: andThen('create_vm', (_, __, answer) => {
      for (const network of Object.values(networksIn(answer)))
        if (network.type === 'dynamic') Object.assign(network, { ip: '10.0.0.99' });
    }),
  },
  {
    name: 'networks of a nic_group have a NIC each',
    breaks: ['networks.group'],
    tell: replace('create_vm', (honest, _, [agent, stemcell, properties, networks, ...rest]) => {
      const apart = Object.entries(networks as Record<string, JsonObject>).map(
        ([name, { nic_group: _group, ...network }]) => [name, network],
      );
      return honest(agent ?? '', stemcell ?? '', properties ?? {}, Object.fromEntries(apart), ...rest);
    }),
  },
  {
    // a2geek's libvirt CPI dies of it
    name: 'a vip network is an error of no type',
    breaks: ['networks.vip'],
    tell: replace('create_vm', (honest, _, args) => {
      if (JSON.stringify(args[3]).includes('vip')) throw failure('CloudError', 'nil pointer');
      return honest(...args);
    }),
  },
  {
    // ZPascal's and a2geek's: one NIC, or the same network twice
    name: 'only the scene’s own networks get a NIC',
    breaks: ['networks.use'],
    tell: andThen('create_vm', (cloud, _, answer) => {
      const vm = newVm(cloud, answer);
      vm.nics = vm.nics.filter(({ networks }) => !networks.includes('managed'));
    }),
  },
  {
    // ZPascal's: each VM boots from the stemcell's own file
    name: 'all VMs write to one root disk',
    breaks: ['vms.own-root', 'vms.own-images', 'at-once.apart'],
    tell(cloud) {
      const shared = { name: 'stemcell.img', files: new Map<string, string>() };
      andThen('create_vm', (_, __, answer) => {
        newVm(cloud, answer).root = shared;
      })(cloud);
    },
  },
  {
    name: 'cloud properties do not decide the size of a VM',
    breaks: ['vms.resources'],
    tell: replace('create_vm', (honest, _, [agent, stemcell, , ...rest]) =>
      honest(agent ?? '', stemcell ?? '', { memory: 128, ephemeral_disk: 64 }, ...rest),
    ),
  },
  {
    // the container CPIs
    name: 'calculate_vm_cloud_properties answers nothing',
    breaks: ['vms.calculate'],
    tell: replace('calculate_vm_cloud_properties', () => ({})),
  },
  {
    name: 'a cloud property that makes no sense is overlooked',
    breaks: ['vms.wrong-property'],
    tell: replace('create_vm', (honest, _, [agent, stemcell, , ...rest]) =>
      honest(agent ?? '', stemcell ?? '', {}, ...rest),
    ),
  },
  {
    name: 'a cloud property that makes no sense is to be tried again',
    breaks: ['vms.wrong-property'],
    tell: replace('create_vm', (honest, _, args) => {
      if (JSON.stringify(args[2]).includes('nonsense')) throw failure('VMCreationFailed', 'nonsense', true);
      return honest(...args);
    }),
  },
  {
    name: 'two VMs may have one address',
    breaks: ['vms.address-taken'],
    tell: replace('create_vm', (honest, cloud, args) => {
      const others = [...cloud.vms.values()].map((vm) => ({ vm, nics: vm.nics }));
      for (const { vm } of others) vm.nics = [];
      const answer = honest(...args);
      for (const { vm, nics } of others) vm.nics = nics;
      return answer;
    }),
  },
  {
    name: 'metadata with special characters is an error',
    breaks: ['vms.metadata'],
    tell: replace('set_vm_metadata', (honest, _, args) => {
      if (/[<&]/.test(JSON.stringify(args))) throw failure('CloudError', 'XML error');
      return honest(...args);
    }),
  },
  {
    // the container CPIs
    name: 'set_vm_metadata says yes and keeps nothing',
    breaks: ['vms.metadata-kept'],
    tell: stub('set_vm_metadata'),
  },
  {
    name: 'delete_vm deletes the persistent disks',
    breaks: ['create-env.recreate-delete', 'vms.delete-with-disk'],
    tell: replace('delete_vm', (honest, cloud, args) => {
      for (const disk of cloud.vms.get(text(args[0]))?.disks ?? []) cloud.disks.delete(disk);
      return honest(...args);
    }),
  },
  {
    // a2geek's libvirt CPI, for a VM that is off
    name: 'a VM whose disk is mounted cannot be deleted',
    breaks: ['create-env.dead-agent'],
    tell: replace('delete_vm', (honest, cloud, args) => {
      if ((cloud.vms.get(text(args[0]))?.mounted.length ?? 0) > 0) throw failure('CloudError', 'disk in use');
      return honest(...args);
    }),
  },
  {
    name: 'has_vm is no mere look: it starts the VM anew',
    breaks: ['create-env.no-op'],
    tell: andThen('has_vm', (cloud, [cid]) => {
      const vm = cloud.vms.get(text(cid));
      if (vm) cloud.start(vm);
    }),
  },
  {
    name: 'has_vm is false for a VM that is off',
    breaks: ['cloud-check.has'],
    tell: replace('has_vm', (_, cloud, [cid]) => cloud.vms.get(text(cid))?.running ?? false),
  },
  {
    // the container CPIs
    name: 'reboot_vm says yes and does nothing',
    breaks: ['cloud-check.reboot'],
    tell: stub('reboot_vm'),
  },
  {
    // ZPascal's libvirt CPI
    name: 'reboot_vm fails for a VM that is off',
    breaks: ['cloud-check.reboot'],
    tell: replace('reboot_vm', (honest, cloud, args) => {
      if (!cloud.vm(args[0]).running) throw failure('CloudError', 'domain is not running');
      return honest(...args);
    }),
  },
  {
    name: 'VMs that are made at once get one CID',
    breaks: ['vms.create', 'at-once.create'],
    tell: replace('create_vm', (honest, cloud, args) => {
      const [cid, networks] = honest(...args) as [string, JsonObject];
      cloud.vms.set('vm-of-this-second', cloud.vm(cid));
      cloud.vms.delete(cid);
      return ['vm-of-this-second', networks];
    }),
  },
  {
    name: 'delete_vm takes another VM along',
    breaks: ['at-once.delete-while-creating'],
    tell: andThen('delete_vm', (cloud) => {
      const last = [...cloud.vms.keys()].at(-1);
      if (last !== undefined) cloud.vms.delete(last);
    }),
  },
  {
    name: 'when many VMs are deleted some stay',
    breaks: ['at-once.delete'],
    tell(cloud) {
      let deleted = 0;
      replace('delete_vm', (honest, _, args) => {
        deleted += 1;
        return deleted > 4 ? null : honest(...args);
      })(cloud);
    },
  },
  {
    // ZPascal's deletes its own record of the VM
    name: 'delete_vm makes has_vm forget the VM, which runs on',
    breaks: ['leaves-nothing.vms'],
    besides: ['vms.create'],
    tell(cloud) {
      const forgotten = new Set<string>();
      cloud.methods.delete_vm = (cid) => {
        forgotten.add(text(cid));
        return null;
      };
      replace(
        'has_vm',
        (honest, _, args) => !forgotten.has(text(args[0])) && (honest(...args) ?? null),
      )(cloud);
    },
  },
  {
    name: 'create_network answers its CID alone',
    breaks: ['networks.create'],
    tell: replace('create_network', (honest, _, args) => (honest(...args) as [string])[0]),
  },
  {
    name: 'delete_network fails for one that is gone',
    breaks: ['networks.delete'],
    tell: replace('delete_network', (honest, cloud, args) => {
      if (!cloud.networks.has(text(args[0]))) throw failure('CloudError', 'no such network');
      return honest(...args);
    }),
  },
  {
    name: 'the gateway of the answer is another one',
    breaks: ['vms.create'],
    tell: andThen('create_vm', (_, __, answer) => {
      for (const network of Object.values(networksIn(answer)))
        Object.assign(network, { gateway: '10.0.0.254' });
    }),
  },
];
