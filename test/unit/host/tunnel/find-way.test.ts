import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asRoot, type Machine, machineAt, thisMachine, wayOf } from '../../../../src/host/machine.ts';
import { findWay } from '../../../../src/host/tunnel/index.ts';

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
beforeEach(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-way-'));
});
afterEach(async () => await folder[Symbol.asyncDispose]());

/** A machine on which the cases of a shell's `case "$*"` say what programs answer. */
async function machine(name: string, cases: string): Promise<Machine> {
  const path = join(folder.path, name);
  await writeFile(path, `#!/bin/sh\ncase "$*" in\n${cases}\n*) echo "no $*" >&2; exit 9 ;;\nesac\n`);
  await chmod(path, 0o755);
  return { name, prefix: [path] };
}

const reachedBySsh = (name: string, cases: string) =>
  machine(name, cases).then((at) => ({ name, machine: at }));

const there = async (client = '10.0.0.1', server = '10.0.0.2') =>
  await reachedBySsh('box', `"printenv SSH_CONNECTION") echo "${client} 50022 ${server} 22" ;;`);
const withRoute = (source: string, own = source) => `
"ip -json -4 route get "*) echo '[{"dst":"x","prefsrc":"${source}"}]' ;;
"ip -json -4 address show") echo '[{"ifname":"eth0","addr_info":[{"local":"${own}","prefixlen":24}]}]' ;;`;
const noRoute = `"ip -json -4 route get "*) echo "RTNETLINK answers: Network is unreachable" >&2; exit 2 ;;`;
const near = async (cases: string) => {
  const only = await machine('near', cases);
  return { machine: only, bridges: only };
};

test('the ends are those of the login', async () => {
  expect(await findWay(await there(), undefined, await near(withRoute('10.0.0.1')))).toEqual({
    near: '10.0.0.1',
    far: '10.0.0.2',
    underlay: 'machine',
  });
});

test('the network of a private host is taken where it has a route, else the machine’s', async () => {
  const outside = await machine('near', withRoute('10.0.0.1'));
  const inside = await machine('inside', withRoute('10.9.0.1'));
  const apart = await machine('apart', noRoute);
  const asked = '10.0.0.2';
  const found = async (bridges: Machine) =>
    await findWay(await there(), asked, { machine: outside, bridges });
  expect(await found(inside)).toMatchObject({ near: '10.9.0.1', underlay: 'bridges' });
  expect(await found(apart)).toMatchObject({ near: '10.0.0.1', underlay: 'machine' });
});

test('behind NAT it is said who sees whom, unless somebody names an address', async () => {
  const here = await near(withRoute('192.168.1.5'));
  const far = await there('84.1.2.3');
  await expect(findWay(far, undefined, here)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/box sees this machine as 84\.1\.2\.3, .* 192\.168\.1\.5: NAT/),
    hints: expect.arrayContaining([expect.stringContaining('--address')]),
  });
  expect(await findWay(far, '10.8.0.2', here)).toMatchObject({ near: '192.168.1.5', far: '10.8.0.2' });
});

test.each([
  ['no route', noRoute, '10.0.0.2', 'no route of this machine leads to 10.0.0.2'],
  ['this machine itself', withRoute('10.0.0.1', '10.0.0.7'), '10.0.0.7', 'an address of this machine itself'],
  ['no IPv4', withRoute('10.0.0.1'), 'fe80::1', 'no IPv4 address'],
  ['a name', withRoute('10.0.0.1'), 'box', "'box' of box is no IPv4 address"],
])('%s is refused', async (_, cases, asked, message) => {
  const refused = findWay(await there(), asked, await near(cases));
  await expect(refused).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) });
});

test('root needs nothing, others sudo without a question, and who has neither is told what to do', async () => {
  const root = await machine('root', '"id -u") echo 0 ;;');
  expect(await asRoot(root)).toBe(root);
  const sudoer = await machine('sudoer', '"id -u") echo 1000 ;;\n"sudo -n true") ;;');
  expect((await asRoot(sudoer)).prefix).toEqual([...sudoer.prefix, 'sudo', '-n']);
  const nobody = await machine('nobody', '"id -u") echo 1000 ;;');
  await expect(asRoot(nobody)).rejects.toMatchObject({
    code: 'PERMISSION',
    message: expect.stringContaining('On nobody'),
    hints: [expect.stringContaining('log in there as root')],
  });
});

test('places by name: this machine, a namespace of it, one behind ssh', () => {
  expect(thisMachine().prefix).toEqual([]);
  expect(thisMachine('/run/netns/a').prefix).toEqual(['nsenter', '--net=/run/netns/a']);
  const { name, prefix } = machineAt('qemu+ssh://ann@box:2222/system?keyfile=/k');
  expect(name).toBe('box');
  expect(prefix.slice(-8)).toEqual(['-i', '/k', '-p', '2222', '-l', 'ann', '--', 'box']);
  expect(prefix).toContain('BatchMode=yes');
  expect([wayOf('qemu+ssh://box/system'), wayOf('lxc:///system')]).toEqual([
    { driver: 'qemu', bySsh: true },
    { driver: 'lxc', bySsh: false },
  ]);
});
