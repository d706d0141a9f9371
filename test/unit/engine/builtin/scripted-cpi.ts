/** A CPI as a program: `scripted-cpi.ts WORLD cpi --config FILE`, one request on stdin. Its world is as strict as a real one. */
import { readFileSync } from 'node:fs';
import { type CpiRequest, isLastStep, readWorld, type World, writeWorld } from './scripted-world.ts';

class WireError extends Error {
  readonly type: string;
  readonly okToRetry: boolean;
  constructor(type: string, message: string, okToRetry = false) {
    super(message);
    this.type = `Bosh::Clouds::${type}`;
    this.okToRetry = okToRetry;
  }
}

function act(world: World, { method, arguments: args }: CpiRequest): unknown {
  const scripted = world.cpiErrors[method];
  if (scripted) throw new WireError(scripted.type, scripted.message, scripted.ok_to_retry);
  const [first, second] = args as [string, string];
  const cid = (kind: string) => `${kind}-${(++world.serial).toString(16).padStart(8, '0')}`;
  switch (method) {
    case 'create_stemcell': {
      const made = cid('stemcell');
      world.stemcells[made] = { image: readFileSync(first, 'latin1') };
      return made;
    }
    case 'delete_stemcell':
      if (!world.stemcells[first]) throw new WireError('StemcellNotFound', `Stemcell '${first}' not found`);
      delete world.stemcells[first];
      return null;
    case 'create_vm': {
      if (!world.stemcells[second]) throw new WireError('StemcellNotFound', `Stemcell '${second}' not found`);
      if (Object.keys(world.vms).length > 0)
        throw new WireError('VMCreationFailed', 'the address is taken', true);
      const made = cid('vm');
      world.vms[made] = { stemcell: second, disks: [], metadata: null };
      Object.assign(world, { hinted: [], mounted: [], jobState: 'stopped' });
      return [made, args[3]];
    }
    case 'has_vm':
      return first in world.vms;
    case 'delete_vm':
      if (!world.vms[first]) throw new WireError('VMNotFound', `VM '${first}' not found`);
      delete world.vms[first];
      return null;
    case 'set_vm_metadata':
      vm(world, first).metadata = second;
      return null;
    case 'create_disk': {
      const made = cid('disk');
      world.disks[made] = { sizeMb: Number(first), content: '', metadata: null };
      return made;
    }
    case 'set_disk_metadata':
      disk(world, first).metadata = second;
      return null;
    case 'attach_disk':
      disk(world, second);
      if (!vm(world, first).disks.includes(second)) vm(world, first).disks.push(second);
      return { path: `/dev/disk/by-id/virtio-${second}` };
    case 'detach_disk':
      if (!vm(world, first).disks.includes(second))
        throw new WireError('DiskNotAttached', `${second} is not attached`);
      if (world.mounted.includes(second)) throw new WireError('CloudError', `${second} is mounted`);
      vm(world, first).disks = vm(world, first).disks.filter((other) => other !== second);
      return null;
    case 'delete_disk':
      disk(world, first);
      if (Object.values(world.vms).some(({ disks }) => disks.includes(first)))
        throw new WireError('CloudError', `${first} is attached`);
      delete world.disks[first];
      return null;
    default:
      throw new WireError('NotImplemented', `${method} is not implemented`);
  }
}

function vm(world: World, cid: string): World['vms'][string] {
  const found = world.vms[cid];
  if (found) return found;
  throw new WireError('VMNotFound', `VM '${cid}' not found`);
}

function disk(world: World, cid: string): World['disks'][string] {
  const found = world.disks[cid];
  if (found) return found;
  throw new WireError('DiskNotFound', `Disk '${cid}' not found`);
}

const [worldPath = ''] = process.argv.slice(2);
const world = readWorld(worldPath);
const request = JSON.parse(readFileSync(0, 'utf8')) as CpiRequest;
world.requests.push(request);
const answer: { result: unknown; error: unknown; log: string } = { result: null, error: null, log: '' };
try {
  answer.result = act(world, request);
  if (request.method in world.cpiResults) answer.result = world.cpiResults[request.method];
} catch (error) {
  if (!(error instanceof WireError)) throw error;
  answer.error = { type: error.type, message: error.message, ok_to_retry: error.okToRetry };
}
const kills = isLastStep(world, request.method);
writeWorld(worldPath, world);
process.stderr.write(`scripted CPI: ${request.method} ${JSON.stringify(request.arguments)}\n`);
if (kills) process.kill(process.ppid, 'SIGKILL');
else process.stdout.write(`${JSON.stringify(answer)}\n`);
