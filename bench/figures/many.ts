import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { macFor, newCid } from '../../src/platform/ids.ts';
import type { Bench } from '../bench.ts';
import type { Figure, Row } from '../figure.ts';
import { runProgram } from '../harness/programs.ts';
import type { Rig } from '../harness/rig.ts';
import { type Sample, sampleOf } from '../harness/sample.ts';
import { times } from '../target.ts';

const vmCount = 100;
const volumeCount = 200;
const turns = 4;
const roundsPerTurn = 4;

/** What a call costs among many VMs, beside what it costs where there is one. */
export const manyVms: Figure = {
  name: 'many-vms',
  async measure(bench) {
    const rig = await bench.rig();
    const { name } = await (await bench.machines()).createByCpi();
    await runProgram(rig.virsh('destroy', name));
    const { stdout: definition } = await runProgram(rig.virsh('dumpxml', '--inactive', name));
    const others = Array.from({ length: vmCount - 1 }, () => newCid('vm'));
    const files = await Promise.all(others.map((cid) => writeDefinition(rig, definition, name, cid)));
    const rows = await compareAmong(bench, name, {
      add: async () =>
        await together(
          rig,
          files.map((file) => `define ${file}`),
        ),
      remove: async () =>
        await together(
          rig,
          others.map((cid) => `undefine ${cid}`),
        ),
      many: `${vmCount} VMs`,
      one: 'one VM',
    });
    await rig.cpi.call('delete_vm', [name]);
    return rows;
  },
};

/** The same in a pool with many volumes. */
export const manyVolumes: Figure = {
  name: 'many-volumes',
  async measure(bench) {
    const rig = await bench.rig();
    const { name } = await (await bench.machines()).createByCpi();
    await runProgram(rig.virsh('destroy', name));
    const volumes = Array.from({ length: volumeCount }, () => `${newCid('disk')}.qcow2`);
    const rows = await compareAmong(bench, name, {
      add: async () =>
        await together(
          rig,
          volumes.map((volume) => `vol-create-as ${rig.pool} ${volume} 1M --format qcow2`),
        ),
      remove: async () =>
        await together(
          rig,
          volumes.map((volume) => `vol-delete ${volume} --pool ${rig.pool}`),
        ),
      many: `${volumeCount} volumes`,
      one: 'a few volumes',
    });
    await rig.cpi.call('delete_vm', [name]);
    return rows;
  },
};

interface Crowd {
  add(): Promise<void>;
  remove(): Promise<void>;
  readonly many: string;
  readonly one: string;
}

/** Measures alone and in the crowd by turns, so that whatever else the machine does falls on both. */
async function compareAmong(bench: Bench, vm: string, crowd: Crowd): Promise<Row[]> {
  const rig = await bench.rig();
  const alone = new Map<string, number[]>();
  const among = new Map<string, number[]>();
  await measureCalls(rig, vm, new Map()); // warms the caches up
  for (let turn = 0; turn < turns; turn += 1) {
    for (let round = 0; round < roundsPerTurn; round += 1) await measureCalls(rig, vm, alone);
    await crowd.add();
    for (let round = 0; round < roundsPerTurn; round += 1) await measureCalls(rig, vm, among);
    await crowd.remove();
  }
  const sample = (values: Map<string, number[]>, method: string): Sample =>
    sampleOf(values.get(method) ?? []);
  return [...alone.keys()].map((method) => ({
    what: `${method}, ${crowd.many}`,
    ours: sample(among, method),
    beside: `the same, ${crowd.one}`,
    theirs: sample(alone, method),
    target: times(1.1),
  }));
}

/** A call of each kind; adds what each took. The VM is off, and takes nobody's time. */
async function measureCalls(rig: Rig, vm: string, times: Map<string, number[]>): Promise<void> {
  const timed = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    const { ms, result } = await rig.cpi.run(method, args);
    times.set(method, [...(times.get(method) ?? []), ms]);
    return result;
  };
  await timed('has_vm', [vm]);
  await timed('set_vm_metadata', [vm, { name: 'machine/0', deployment: 'bench' }]);
  const disk = await timed('create_disk', [64, {}, vm]);
  await timed('attach_disk', [vm, disk]);
  await timed('get_disks', [vm]);
  await timed('detach_disk', [vm, disk]);
  await timed('delete_disk', [disk]);
}

async function writeDefinition(rig: Rig, definition: string, vm: string, cid: string): Promise<string> {
  const path = join(rig.folder, `${cid}.xml`);
  const xml = definition
    .replace(/<uuid>.*<\/uuid>/, '')
    .replaceAll(vm, cid)
    .replace(/<mac address=.*\/>/, `<mac address='${macFor(cid, 'bench')}'/>`);
  await writeFile(path, xml);
  return path;
}

/** All in one virsh; no word of ours has a space. */
async function together(rig: Rig, commands: readonly string[]): Promise<void> {
  await runProgram(rig.virsh(commands.join('; ')));
}
