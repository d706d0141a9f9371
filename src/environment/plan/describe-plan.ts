import { formatBytes } from '../../platform/amounts.ts';
import type { Plan } from '../plan.ts';
import type { Downloads } from './downloads.ts';
import type { Act } from './host-objects.ts';
import type { Need, Room } from './room.ts';

/** As in a diff: made, changed, left. */
const marks: Readonly<Record<Act, string>> = {
  make: '+',
  start: '~',
  change: '~',
  'make anew': '~',
  keep: ' ',
};

const verdicts: Readonly<Record<Plan['distance'], string>> = {
  new: 'is not there: up would make it',
  none: 'is as asked for: up would do nothing',
  repair: 'is not well: up would bring it back',
  remake: 'is not as asked for: up would change it',
};

/** A plan for people, in lines of text. */
export function describePlan(plan: Plan): string {
  const sections = [
    [`Environment '${plan.environment}' ${verdicts[plan.distance]}.`],
    aboutIt(plan),
    plan.packages.length === 0 ? [] : ['Packages to install:', `  ${plan.packages.join(' ')}`],
    objects(plan),
    downloads(plan.downloads),
    room(plan.room),
    manifest(plan),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function aboutIt({ profile, backend, engine, libvirt, packages }: Plan): string[] {
  const again = packages.length === 0 ? '' : ', looked for again once the packages are there';
  const whose = libvirt.host === 'private' ? ' (private to boshvirt)' : '';
  return columns([
    ['profile', profile],
    ['backend', `${backend.name}: ${backend.why}`],
    ['libvirt', `${libvirt.uri}${whose}${again}`],
    ['engine', engine],
  ]);
}

function objects({ objects, lostSnapshots }: Plan): string[] {
  const rows = objects.map(({ kind, act, detail }) => [
    `${marks[act]} ${kind}`,
    act === 'start' || act === 'make anew' ? `${act}: ${detail}` : detail,
  ]);
  const lost =
    lostSnapshots.length === 0 ? [] : [`  Snapshots that go with the machine: ${lostSnapshots.join(', ')}`];
  return ['This host (+ make, ~ change):', ...columns(rows), ...lost];
}

function downloads({ artifacts, complete }: Downloads): string[] {
  if (artifacts.length === 0) return [];
  const rows = artifacts.map(({ name, place, bytes: size }) => [
    `${place === 'to be fetched' ? '+' : ' '} ${name}`,
    size === undefined ? place : `${place}, ${formatBytes(size)}`,
  ]);
  const more = complete ? [] : ['  what else is known once bosh-deployment is there'];
  return ['Downloads (+ to be fetched):', ...columns(rows), ...more];
}

function room(found: Room | undefined): string[] {
  if (!found) return [];
  const { memory, disk } = found;
  if (memory.wantedMb === 0 && disk.wantedMb === 0) return ['It takes no more memory or disk than it has.'];
  const memoryLine = `${bytes(memory.wantedMb)}; ${bytes(memory.freeMb)} free${isShort(memory) ? ': too little, up would refuse' : ''}`;
  const diskLine = `up to ${bytes(disk.wantedMb)} as it fills up; ${bytes(disk.freeMb)} free in ${disk.place}${isShort(disk) ? ': too little once it is full' : ''}`;
  return [
    'Room that it takes:',
    ...columns([
      ['  memory', memoryLine],
      ['  disk', diskLine],
    ]),
  ];
}

const bytes = (megabytes: number): string => formatBytes(megabytes * 1024 ** 2);
const isShort = ({ wantedMb, freeMb }: Need): boolean => wantedMb > freeMb;

function manifest({ manifest: { deployed, planned, diff, variables }, distance }: Plan): string[] {
  if (planned === undefined)
    return ['The manifest is known once bosh-deployment is there.', ...changedVariables(variables)];
  if (distance === 'new')
    return [`The manifest is new: ${planned.split('\n').length - 1} lines (--json has them)`];
  const changed = changedVariables(variables);
  if (deployed === undefined)
    return ['There is no manifest of what is deployed to compare with.', ...changed];
  if (diff !== '') return ['The manifest:', diff.trimEnd(), ...changed];
  const elsewhere = distance === 'remake' && changed.length === 0;
  return [
    `The manifest stays as it is${elsewhere ? '; a file of variables may have changed' : ''}.`,
    ...changed,
  ];
}

const changedVariables = (names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`Variables of yours that change: ${names.join(', ')}`];

/** Pairs in two columns. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return rows.map(([name = '', value = '']) => `${name.padEnd(width)}  ${value}`);
}
