import { failure, text } from '../../support/simulated-cloud/cloud.ts';
import { type Liar, replace, stub } from './liar.ts';

export const stemcellLiars: readonly Liar[] = [
  {
    // ZPascal's libvirt CPI fails on every official stemcell
    name: 'no stemcell can be uploaded',
    breaks: ['stemcells.create'],
    tell: replace('create_stemcell', () => {
      throw failure('CloudError', 'Uploading stemcell image');
    }),
  },
  {
    name: 'a stemcell has no CID',
    breaks: ['stemcells.create'],
    tell: replace('create_stemcell', () => ''),
  },
  {
    name: 'an image that is there already is refused',
    breaks: ['stemcells.again', 'stemcells.at-once'],
    tell: replace('create_stemcell', (honest, cloud, args) => {
      const content = cloud.readImage(text(args[0]));
      if ([...cloud.stemcells.values()].some((known) => known === content))
        throw failure('CloudError', 'volume exists already');
      return honest(...args);
    }),
  },
  {
    name: 'delete_stemcell says yes and does nothing',
    breaks: ['stemcells.delete'],
    tell: stub('delete_stemcell'),
  },
  {
    // a2geek's libvirt CPI
    name: 'delete_stemcell fails for one that is gone',
    breaks: ['stemcells.delete-again'],
    tell: replace('delete_stemcell', (honest, cloud, args) => {
      if (!cloud.stemcells.has(text(args[0]))) throw failure('StemcellNotFound');
      return honest(...args);
    }),
  },
  {
    name: 'any file is taken for an image',
    breaks: ['stemcells.damaged'],
    tell: replace('create_stemcell', (_, cloud) => {
      const cid = cloud.newCid('sc');
      cloud.stemcells.set(cid, 'anything');
      return cid;
    }),
  },
  {
    // every peer: API version 3 is in none of them
    name: 'create_stemcell takes no third argument',
    breaks: ['stemcells.tags'],
    tell: replace('create_stemcell', (honest, _, args) => {
      if (args.length > 2) throw failure('CpiError', 'too many arguments');
      return honest(...args);
    }),
  },
  {
    name: 'delete_stemcell takes the VMs along',
    breaks: ['create-env.stemcell-change'],
    tell: replace('delete_stemcell', (honest, cloud, args) => {
      cloud.vms.clear();
      return honest(...args);
    }),
  },
];
