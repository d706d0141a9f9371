/**
 * The same with the real bosh CLI and a real agent: bosh compiles the releases, renders their jobs and has the agent run them;
 * only what the job `director` starts is a stand-in.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backendModule, backendNames } from '../../src/cpi/backends/registry.ts';
import { probeFormFor } from '../../src/stemcell/index.ts';
import { type HostTraces, hostTraces } from '../support/host-traces.ts';
import { type LiteSources, liteSources } from '../support/lite-sources.ts';
import { newPerson, type Person } from '../support/person.ts';

const boshPath = process.env.BOSHVIRT_TEST_BOSH;
const agentPath = process.env.BOSHVIRT_TEST_AGENT;
const small = ['--cpus', '1', '--memory', '640MiB', '--disk', '512MiB', '--ephemeral-disk', '2GiB'];

describe.skipIf(boshPath === undefined || agentPath === undefined).each(backendNames)(
  'on %s (needs BOSHVIRT_TEST_BOSH and BOSHVIRT_TEST_AGENT, the paths of real ones)',
  (backend) => {
    let sources: LiteSources;
    let person: Person;
    let before: HostTraces;

    beforeAll(async () => {
      const { drivers, traits } = await backendModule(backend);
      sources = await liteSources({
        ...{ form: probeFormFor(traits.stemcellFormats) ?? 'vm', boshPath, agentPath },
      });
      person = await newPerson(drivers[0]);
      before = await hostTraces(person.home);
    });

    afterAll(async () => {
      await person?.[Symbol.asyncDispose]();
      await sources?.[Symbol.asyncDispose]();
    });

    const boshvirt = async (...args: string[]) => await person.run(args, { env: { PATH: sources.path } });
    const bosh = async (...words: string[]) => await boshvirt('exec', '--', 'bosh', ...words);

    test.each(['lite', 'director'])('%s comes up, knows what it was given, and goes', async (profile) => {
      const up = ['up', '--profile', profile, '--backend', backend, ...sources.flags, ...small, '--yes'];
      expect(await boshvirt(...up)).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining("Compiling package 'director"),
      });
      expect((await boshvirt('up')).stdout).toMatch(/^Nothing to do/);
      expect((await bosh('configs', '--column=type', '--column=name')).stdout).toMatch(
        /cloud\s+default\s+runtime\s+dns\s/,
      );
      expect((await bosh('stemcells')).stdout).toContain('probe');
      expect((await bosh('releases')).stdout).toContain('bosh-dns');
      expect(await person.inGuest('whoami; sudo monit summary')).toMatch(
        /^jumpbox\n.*director +OK +Process/s,
      );
      expect((await boshvirt('logs', '--source', 'director')).stdout).toContain('answers at');
      await access(join(person.envs, 'default/create-env.sh'));
      expect((await boshvirt('up', '--recreate')).exitCode).toBe(0);
      expect((await bosh('stemcells')).stdout).toContain('probe'); // its disk has come along
      expect((await boshvirt('down', '--yes', '--purge')).exitCode).toBe(0);
      expect(await hostTraces(person.home)).toEqual(before);
    });
  },
);
