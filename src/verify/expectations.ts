/** What several sequences look at, each by its own road. */
import type { JsonObject, JsonValue } from '../cpi/backend.ts';
import { waitFor } from '../platform/retry.ts';
import { isObject } from './exchange.ts';
import type { Guest } from './guests/guest.ts';
import type { MadeVm, Trial } from './trial.ts';

const store = '/var/vcap/store';
/** How long a guest's kernel may take to notice a disk that came or went. */
const noticeTimeoutMs = 30_000;
/** A partition table and a file system take their part of a disk. */
const usableShare = 0.7;

/** The networks of create_vm's answer: as they were sent, every key of them, besides what the CPI adds (contract 1.6). */
export function expectNetworks(trial: Trial, vm: MadeVm): void {
  for (const [name, sent] of Object.entries(vm.sent)) {
    const told = vm.networks[name];
    for (const [key, value] of Object.entries(isObject(sent) ? sent : {})) {
      const there = isObject(told) ? told[key] : undefined;
      trial.same(there, value, `${key} of network ${name} in the answer`, 'wire');
    }
  }
}

/** The agent answers and is the one of this create_vm. */
export async function expectAwake(trial: Trial, vm: MadeVm): Promise<void> {
  const guest = trial.guest(vm);
  await guest.awake();
  trial.same(await guest.agentId(), vm.agentId, `the agent's id at ${vm.address}`, 'guest');
}

/** NICs in the request's order, each with the MAC that the CPI told and the address that was asked for (contract 8.1). */
export async function expectNics(trial: Trial, vm: MadeVm): Promise<void> {
  const { nics, gatewayNic } = await trial.guest(vm).facts();
  const networks = Object.entries(vm.sent).map(([name, sent]) => ({ name, sent: sent as JsonObject }));
  networks.forEach(({ name, sent }, at) => {
    const nic = nics[at];
    const what = `NIC ${at + 1} to be that of network ${name}`;
    trial.check(nic?.addresses.includes(String(sent.ip)) === true, `${what}, ${sent.ip}`, nics, 'guest');
    const told = vm.networks[name];
    const mac = isObject(told) ? told.mac : undefined;
    if (typeof mac === 'string') trial.same(nic?.mac, mac, `the MAC on network ${name}`, 'guest');
    const isDefault = Array.isArray(sent.default) && sent.default.includes('gateway');
    if (isDefault) trial.same(gatewayNic, nic?.name, 'the NIC of the default route', 'guest');
  });
}

/** What attach_disk answered is something that an agent can go by (contract 1.3, 2.3). */
export function expectHint(trial: Trial, hint: JsonValue): void {
  const good = isObject(hint)
    ? Object.keys(hint).length > 0 && Object.values(hint).every((value) => typeof value === 'string')
    : typeof hint === 'string' && hint !== '';
  trial.check(good, 'a disk hint: a string, or a hash of strings', hint, 'wire');
}

/** The guest sees the disk with its size; it may take a moment to notice it. */
export async function expectSeen(
  trial: Trial,
  guest: Guest,
  disk: { cid: string; hint: JsonValue; sizeMb: number },
): Promise<void> {
  const look = async () => await guest.diskMb(disk.cid, disk.hint);
  const sees = async () => ((await look()) === disk.sizeMb ? true : undefined);
  if (await waitFor(sees, { timeoutMs: trial.noticeMs(noticeTimeoutMs) })) return;
  const seen = await look();
  trial.check(
    false,
    `a device of ${disk.sizeMb} MiB for ${disk.cid}`,
    seen === undefined ? 'none' : `${seen} MiB`,
    'guest',
  );
}

export async function expectUnseen(
  trial: Trial,
  guest: Guest,
  disk: { cid: string; hint: JsonValue },
): Promise<void> {
  const gone = async () => ((await guest.diskMb(disk.cid, disk.hint)) === undefined ? true : undefined);
  const left = await waitFor(gone, { timeoutMs: trial.noticeMs(noticeTimeoutMs) });
  trial.check(left === true, `no device for ${disk.cid}`, 'one', 'guest');
}

/** The hypervisor's live definition has these persistent disks, if there is somebody to look. */
export async function expectAttached(trial: Trial, vm: string, disks: readonly string[]): Promise<void> {
  const { hypervisor } = trial.scene;
  if (!hypervisor) return;
  trial.same((await hypervisor.disksOf(vm)).sort(), [...disks].sort(), `the disks of ${vm}`, 'hypervisor');
}

/** Something in the storage bears the disk's CID, if there is somebody to look. */
export async function expectStored(trial: Trial, disk: string): Promise<void> {
  const names = await trial.scene.hypervisor?.storage();
  if (!names) return;
  trial.check(
    names.some((name) => name.includes(disk)),
    `${disk} in the storage`,
    names,
    'hypervisor',
  );
}

/** get_disks, where the CPI has it. */
export async function expectDisks(trial: Trial, vm: string, disks: readonly string[]): Promise<void> {
  const listed = await trial.offered('get_disks', vm);
  trial.same(Array.isArray(listed) ? [...listed].sort() : listed, [...disks].sort(), 'get_disks', 'wire');
}

/** The agent mounts the disk on /var/vcap/store, with a file system about as large as the disk. */
export async function mountStore(
  trial: Trial,
  guest: Guest,
  disk: { cid: string; hint: JsonValue; sizeMb: number },
): Promise<void> {
  await guest.mount(disk.cid, disk.hint);
  const { storeMb } = await guest.facts();
  const fits = storeMb !== undefined && storeMb <= disk.sizeMb && storeMb >= disk.sizeMb * usableShare;
  trial.check(fits, `about ${disk.sizeMb} MiB on ${store}`, storeMb ?? 'nothing mounted', 'guest');
}

export const noteOnStore = `${store}/verify-note`;

export async function expectNote(trial: Trial, guest: Guest, path: string, text: string): Promise<void> {
  trial.same(await guest.read(path), text, path, 'guest');
}

/** The file has the text somewhere. */
export async function expectNoteWith(trial: Trial, guest: Guest, path: string, text: string): Promise<void> {
  const note = await guest.read(path);
  trial.check(note?.includes(text) === true, `${text} in ${path}`, note ?? 'nothing', 'guest');
}

/** has_vm says no, nobody answers at its address, the hypervisor has no such VM. */
export async function expectGone(trial: Trial, vm: MadeVm): Promise<void> {
  trial.same(await trial.call('has_vm', vm.cid), false, 'has_vm', 'wire');
  if (trial.scene.guests)
    trial.check(
      await trial.guest(vm).silent(),
      `nobody at ${vm.address}`,
      'the agent still answers',
      'guest',
    );
  const { hypervisor } = trial.scene;
  if (hypervisor)
    trial.same(await hypervisor.state(vm.cid), 'absent', `the state of ${vm.cid}`, 'hypervisor');
}
