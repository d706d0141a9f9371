/**
 * The CPI release, the CPI on each backend and the bosh-cli engine under the real `bosh`, on a private libvirt host, with the
 * agent of the probe stemcell or a real one. What came of it is asked of the guest over ssh and of libvirt, not of bosh.
 */
import { access, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { VmCid } from '../../src/cpi/backend.ts';
import { backendNames } from '../../src/cpi/backends/registry.ts';
import { BoshCliEngine } from '../../src/engine/bosh-cli/index.ts';
import { BuiltinEngine } from '../../src/engine/builtin/index.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { BoshHost } from '../support/bosh-host.ts';
import { BoshMachine } from '../support/bosh-machine.ts';

const boshPath = process.env.BOSHVIRT_TEST_BOSH;
/** A real bosh-agent: it goes into the stemcell, and the machine gets a release, which our own agent would refuse. */
const agentPath = process.env.BOSHVIRT_TEST_AGENT;

const engines = {
  'bosh-cli': () => new BoshCliEngine({ boshPath: boshPath ?? 'bosh' }),
  builtin: () => new BuiltinEngine(),
};
let host: BoshHost;

describe.skipIf(boshPath === undefined).each(backendNames)(
  'create-env on %s (needs BOSHVIRT_TEST_BOSH, the path of a real bosh)',
  (backend) => {
    beforeAll(async () => {
      host = await BoshHost.start(backend, agentPath);
    }, 300_000);

    afterAll(async () => await host?.[Symbol.asyncDispose](), 60_000);

    test('makes a machine, leaves it alone, grows its disk, reboots it, re-creates it dead or alive, and deletes it', async () => {
      const machine = await newMachine('life');
      if (agentPath !== undefined) await machine.addRelease();
      expect(await machine.createEnv()).toEqual({ changed: true });
      expect(machine.progress).toContainEqual(expect.stringMatching(/^Creating VM for instance/));
      const created = await machine.state();
      expect(await host.domains()).toEqual([created.current_vm_cid]);
      await machine.writeNote();
      await expectStarts(machine, 1);

      expect(await machine.createEnv()).toEqual({ changed: false });
      expect(await machine.vm()).toBe(created.current_vm_cid);

      machine.vars.persistent_disk_mb = 384;
      expect(await machine.createEnv()).toEqual({ changed: true });
      const grown = await machine.state();
      expect(grown.disks.map(({ size }) => size)).toEqual([384]);
      expect(grown.disks[0]?.cid).not.toBe(created.disks[0]?.cid);
      expect(await machine.note()).toBe('kept');
      expect(
        Number(await machine.ssh('df -m /var/vcap/store | tail -n 1 | tr -s " " | cut -d " " -f 2')),
      ).toBeGreaterThan(300);
      await host.withBackend(async ({ ground }) => {
        expect((await ground.inventory()).disks).toEqual([grown.disks[0]?.cid]);
      });
      await expectStarts(machine, 2);

      const vm = await machine.vm();
      const hostname = await machine.ssh('hostname');
      for (const restart of [
        async () => await host.withBackend(({ vms }) => vms.reboot(vm as VmCid)),
        async () => {
          await host.virsh('shutdown', vm, ...(backend === 'lxc' ? ['--mode', 'signal'] : []));
          expect(await machine.off()).toBe(true);
          await host.withBackend(({ ground }) => ground.revive());
        },
        async () => {
          await machine.ssh('sudo reboot').catch(() => undefined); // the connection breaks
          if (backend !== 'lxc') return;
          expect(await machine.off()).toBe(true);
          await host.withBackend(({ ground }) => ground.revive());
        },
      ]) {
        expect(await machine.startsAnewBy(restart)).toBe(true);
        expect(await machine.note()).toBe('kept');
        expect(await machine.ssh('hostname')).toBe(hostname);
        await expectStarts(machine, 2);
      }

      expect(await machine.createEnv({ recreate: true })).toEqual({ changed: true });
      const again = await machine.vm();
      expect(again).not.toBe(vm);
      expect(await machine.note()).toBe('kept');
      await expectStarts(machine, 3);

      await machine.ssh('sync'); // the machine goes as in a power cut
      await host.virsh('suspend', again);
      expect(await machine.createEnv({ recreate: true })).toEqual({ changed: true });
      expect(await host.domains()).toEqual([await machine.vm()]);
      expect(await machine.note()).toBe('kept');
      await expectStarts(machine, 4);

      await machine.deleteEnv();
      await expectNothingLeft(machine);
      await machine.deleteEnv();
    }, 1_800_000);

    test.each([
      'Uploading stemcell',
      'Creating VM',
      'Waiting for the agent',
      'Creating disk',
      'Attaching disk',
    ])(
      'interrupted at %s, goes on from there and leaves nothing over',
      async (step) => {
        const machine = await newMachine(step);
        await expect(machine.interruptedAt(step)).rejects.toThrow(`interrupted at ${step}`);
        expect(await host.domains()).toEqual([await machine.vm()].filter(Boolean));
        if (step === 'Attaching disk') {
          expect(await machine.createEnv()).toEqual({ changed: true });
          expect(await host.domains()).toEqual([await machine.vm()]);
        }
        await machine.deleteEnv();
        await expectNothingLeft(machine);
      },
      300_000,
    );

    test.each([
      { first: 'builtin', second: 'bosh-cli' },
      { first: 'bosh-cli', second: 'builtin' },
    ] as const)(
      'what $first made, $second knows and deletes',
      async ({ first, second }) => {
        const machine = await newMachine(`from ${first}`);
        const [maker, heir] = [engines[first](), engines[second]()];
        expect(await maker.createEnv(machine.source, machine.context)).toEqual({ changed: true });
        const vm = await machine.vm();
        await machine.writeNote();
        expect(await heir.createEnv(machine.source, machine.context, { recreate: true })).toEqual({
          changed: true,
        });
        expect(await host.domains()).toEqual([await machine.vm()]);
        expect(await host.domains()).not.toEqual([vm]);
        expect(await machine.note()).toBe('kept');
        await heir.deleteEnv(machine.source, machine.context);
        await expectNothingLeft(machine);
      },
      900_000,
    );
  },
);

async function newMachine(name: string): Promise<BoshMachine> {
  return await BoshMachine.prepare(host, name, engines['bosh-cli'](), agentPath === undefined ? 384 : 640);
}

/** With a real agent: the release's program ran `times` times, once at each deploy, and monit holds its process. */
async function expectStarts(machine: BoshMachine, times: number): Promise<void> {
  if (agentPath === undefined) return;
  expect(await machine.ssh('sudo cat /var/vcap/store/greetings')).toBe(
    'compiled: from the manifest\n'.repeat(times),
  );
  const summary = async () => {
    const said = await machine.ssh('sudo monit summary').catch(() => '');
    return /tiny +OK +Process/.test(said) || undefined;
  };
  expect(await waitFor(summary, { timeoutMs: 120_000, intervalMs: 1000 })).toBe(true);
  // what the agent tells whoever asks for `bosh ssh`
  expect(await machine.ssh('cat /etc/ssh/ssh_host_rsa_key.pub')).toMatch(/^ssh-rsa /);
  expect(await machine.ssh('cat /proc/$(sudo cat /var/vcap/sys/run/tiny/tiny.pid)/comm')).toBe('sleep\n');
}

/** The host as before: no domain, no disk, no device, no stemcell, no state; and no secret in the log. */
async function expectNothingLeft(machine: BoshMachine): Promise<void> {
  expect(await host.domains()).toEqual([]);
  await host.withBackend(async ({ ground }) => {
    expect(await ground.inventory()).toMatchObject({ vms: [], disks: [], stemcells: [] });
  });
  expect(await host.loopFiles()).toEqual([]);
  await expect(access(machine.source.statePath)).rejects.toThrow('ENOENT');
  const { mbus_bootstrap_password: password } = parse(await readFile(machine.source.varsStorePath, 'utf8'));
  expect(await readFile(machine.context.logPath, 'utf8')).not.toContain(password);
}
