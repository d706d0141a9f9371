/** The agent's start, up to where it would listen: as a container's agent.json has it. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { buildAgentSettings } from '../../../../src/cpi/agent/index.ts';
import { boot } from '../../../../stemcells/probe/agent/boot.ts';
import { partitionTable } from '../../../../stemcells/probe/agent/partition-table.ts';
import { fakeGuest } from './fake-guest.ts';

const network = {
  type: 'manual',
  ip: '10.0.0.6',
  netmask: '255.255.255.0',
  gateway: '10.0.0.1',
  dns: ['10.0.0.1'],
  preconfigured: true,
} as const;
const settings = buildAgentSettings({
  agentId: 'a-1',
  vmCid: 'vm-1',
  networks: { default: network },
  env: {},
  agent: { mbus: 'https://mbus:pw@0.0.0.0:6868' },
  disks: { system: '', ephemeral: '/dev/vdb' },
});

const ext4 = Buffer.alloc(4096);
ext4.writeUInt16LE(0xef53, 0x438);

/** Starts an agent whose agent.json says `linux` about the platform, beside a disk that is ready for use; gives its commands. */
async function start(linux: object) {
  const ids = `${process.getuid?.()}:${process.getgid?.()}`;
  const guest = await fakeGuest({
    'etc/passwd': `root:x:${ids}:root:/root:/bin/sh\nvcap:x:${ids}:vcap:/home/vcap:/bin/sh\n`,
    'vcap/bosh/container-settings.json': JSON.stringify(settings),
  });
  const Sources = [{ Type: 'File', SettingsPath: guest.at('vcap/bosh/container-settings.json') }];
  const agentFile = { Platform: { Linux: linux }, Infrastructure: { Settings: { Sources } } };
  await guest.add('vcap/bosh/agent.json', JSON.stringify(agentFile));
  await guest.add('sys/block/vdb/serial', 'disk-1');
  await guest.add('sys/class/block/vdb/size', String(2048 + 16));
  await guest.add('dev/vdb', partitionTable({ startSector: 2048, sectors: 16 }));
  await guest.add('dev/vdb1', ext4);
  const commands: string[] = [];
  const run = async (argv: readonly string[]) => {
    commands.push(argv.join(' ').replaceAll(guest.at(''), ''));
    return '';
  };
  const world = await boot(guest.places, run, () => {});
  return { guest, world, commands };
}

test('a machine of its own mounts its ephemeral disk', async () => {
  const { guest, commands } = await start({ DevicePathResolutionType: 'virtio' });
  await using _ = guest;
  expect(commands.at(-1)).toBe('mount -t ext4 /dev/vdb1 /vcap/data');
});

const inContainer = { SkipDiskSetup: true, UsePreformattedPersistentDisk: true };

test("a container is set up by its CPI: the agent gives it a name and name servers, and leaves the host's disks alone", async () => {
  const { guest, world, commands } = await start(inContainer);
  await using _ = guest;
  expect(world.settings.agentId).toBe('a-1');
  expect(commands).toEqual(['hostname a-1']);
  expect(await readFile(guest.at('etc/resolv.conf'), 'utf8')).toBe('nameserver 10.0.0.1\n');
});

test("in a container a disk is where its hint says, though a disk of the host's has its serial number", async () => {
  const { guest, world, commands } = await start(inContainer);
  await using _ = guest;
  await guest.add('dev/disk-1', ext4);
  await world.disks.mount('disk-1', { path: guest.at('dev/disk-1') });
  expect(commands.at(-1)).toBe('mount -t ext4 /dev/disk-1 /vcap/store');
});

test.each([
  ['no agent.json', undefined, /agent\.json is not there/],
  ['an agent.json without sources', '{"Platform":{}}', /agent\.json names no source of settings/],
])('%s is told', async (_, text, message) => {
  await using guest = await fakeGuest(text === undefined ? {} : { 'vcap/bosh/agent.json': text });
  const starting = boot(
    guest.places,
    async () => '',
    () => {},
  );
  await expect(starting).rejects.toThrow(message);
});
