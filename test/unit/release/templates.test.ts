/** The job's templates as Ruby renders them, and the program that comes of it. */
import { chmod, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCpiConfig } from '../../../src/cpi/config.ts';
import { cpiConfigFrom } from '../../../src/engine/cpi-config.ts';
import type { NodeMap } from '../../../src/engine/template/index.ts';
import { run } from '../../../src/platform/process.ts';
import { renderTemplate } from '../../support/render-job.ts';

describe('cpi.json', () => {
  const agent = { mbus: 'https://mbus:p%22w@0.0.0.0:6868' };
  const blobstore = { provider: 'local', options: { blobstore_path: '/var/vcap/micro_bosh/data/cache' } };
  const boshvirt = {
    command: '/opt/boshvirt',
    backend: 'qemu',
    environment: 'lab "1"',
    storage_pool: 'pool',
    network: 'net',
    qemu: { machine: 'q35', nested: { deep: [1, true, null] } },
  };

  test.each<{ what: string; properties: NodeMap }>([
    { what: 'nothing given', properties: {} },
    {
      what: 'everything given',
      properties: {
        agent,
        boshvirt,
        blobstore,
        ntp: ['a'],
        libvirt: { uri: 'qemu:///x', network_namespace: '/n' },
      },
    },
    {
      what: 'blobstore and ntp under agent',
      properties: { agent: { ...agent, blobstore, ntp: ['b'] }, boshvirt },
    },
    { what: 'both', properties: { agent: { ...agent, blobstore: {}, ntp: ['b'] }, blobstore, ntp: [] } },
    {
      what: 'another backend',
      properties: { agent, boshvirt: { ...boshvirt, backend: 'lxc', lxc: { one: 1 } } },
    },
    {
      what: 'a backend without options',
      properties: { boshvirt: { backend: 'lxc', qemu: { machine: 'pc' } } },
    },
    {
      what: 'nulls',
      properties: { agent: { ...agent, ntp: null }, boshvirt: { environment: 'e', qemu: null } },
    },
  ])('the CPI reads the same from it as from the builtin engine: $what', async ({ properties }) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-cpi-json-'));
    const [byRuby, byUs] = ['ruby.json', 'ours.json'].map((name) => join(folder.path, name)) as [
      string,
      string,
    ];
    await writeFile(byRuby, await renderTemplate('cpi.json.erb', properties));
    await writeFile(byUs, JSON.stringify(cpiConfigFrom(properties)));
    expect(await readCpiConfig(byRuby)).toEqual(await readCpiConfig(byUs));
  });
});

describe('bin/cpi', () => {
  test('gives request, configuration and HOME to a program whose path a shell would take apart', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "it's a $HOME of jobs "));
    const program = join(folder.path, 'my "boshvirt"');
    await writeFile(program, '#!/bin/sh\nprintf "%s|" "$@" "$HOME"; cat\n');
    await chmod(program, 0o755);
    const cpi = await install(folder.path, program);
    const env = { HOME: '/of/bosh', BOSHVIRT_HOME: '/home/me' };
    const { stdout } = await run([cpi], { input: '{"method":"info"}', env });
    const config = join(folder.path, 'bin', '..', 'config', 'cpi.json');
    expect(stdout.replace('/bin/../', '/')).toBe(
      `cpi|--config|${config.replace('/bin/../', '/')}|/home/me|{"method":"info"}`,
    );
  });

  test('takes a command of several words', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-bin-'));
    const cpi = await install(folder.path, ['sh', '-c', 'echo "$@"', 'two words']);
    expect((await run([cpi], { input: '' })).stdout).toMatch(/^cpi --config /);
  });

  test('answers in BOSH’s words when the program is not there', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-bin-'));
    const cpi = await install(folder.path, '/nowhere/it\'s "boshvirt"');
    const answer = JSON.parse((await run([cpi], { input: '{}' })).stdout);
    expect(answer).toMatchObject({ result: null, log: '', error: { type: 'Bosh::Clouds::CpiError' } });
    expect(answer.error.message).toContain('/nowhere/it\'s "boshvirt"');
  });

  async function install(folder: string, command: string | readonly string[]): Promise<string> {
    await mkdir(join(folder, 'bin'));
    const path = join(folder, 'bin', 'cpi');
    await writeFile(path, await renderTemplate('cpi.erb', { boshvirt: { command } }));
    await chmod(path, 0o755);
    return path;
  }
});
