import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCpi } from '../../../src/cpi/main.ts';
import type { CpiResponse } from '../../../src/cpi/wire.ts';
import { run } from '../../../src/platform/process.ts';
import { MemoryHost, memoryModule } from '../../support/memory-backend.ts';

/** Asks once, with the request in two pieces as a pipe may give it: cut within its first letter beyond ASCII. */
async function ask(host: MemoryHost, request: string, argv: readonly string[] = []) {
  const output: string[] = [];
  const log: string[] = [];
  const bytes = Buffer.from(request);
  const cut =
    Math.max(
      0,
      bytes.findIndex((byte) => byte > 0x7f),
    ) + 1;
  async function* input() {
    yield bytes.subarray(0, cut);
    yield bytes.subarray(cut);
  }
  const streams = {
    input: input(),
    writeOutput: (t: string) => output.push(t),
    writeLog: (t: string) => log.push(t),
  };
  await runCpi(argv, streams, async () => memoryModule(host));
  expect(output.join('')).toMatch(/^\{.*\}\n$/);
  return { ...(JSON.parse(output.join('')) as CpiResponse), stderr: log.join('') };
}

const hasVm = JSON.stringify({ method: 'has_vm', arguments: ['vm-1'], context: {}, api_version: 2 });

describe('runCpi', () => {
  test('answers with one line, and closes what it opened', async () => {
    const host = new MemoryHost();
    expect(await ask(host, hasVm)).toMatchObject({ result: false, error: null, log: '' });
    expect(host.open).toBe(0);
  });

  test('text beyond ASCII comes through', async () => {
    const { error } = await ask(new MemoryHost(), JSON.stringify({ method: 'é', arguments: [] }));
    expect(error?.message).toContain("'é'");
  });

  test('the log holds no secret of the request or the configuration, even if an error quotes it', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-cpi-'));
    const config = join(folder.path, 'cpi.json');
    await writeFile(config, JSON.stringify({ agent: { mbus: 'https://mbus:mbus-secret@0.0.0.0:6868' } }));
    const host = new MemoryHost();
    host.failures.set('disks.create', new TypeError('with key-of-request and mbus-secret'));
    const properties = { private_key: 'key-of-request' };
    const request = JSON.stringify({ method: 'create_disk', arguments: [512, properties, null] });
    const { stderr } = await ask(host, request, ['--config', config]);
    expect(stderr).toContain('with <redacted> and <redacted>');
    expect(stderr).not.toMatch(/key-of-request|mbus-secret/);
  });

  test('an answer stands though closing fails', async () => {
    const host = new MemoryHost();
    host.failures.set('close', new Error('broken pipe'));
    const { result, error, stderr } = await ask(host, hasVm);
    expect([result, error]).toEqual([false, null]);
    expect(stderr).toContain('warn closing the connection to the hypervisor: broken pipe');
  });

  test('a hypervisor that cannot be reached is an answer too', async () => {
    const host = new MemoryHost();
    host.failures.set('open', new Error('connect ENOENT'));
    const { error } = await ask(host, hasVm);
    expect(error).toEqual({
      type: 'Bosh::Clouds::CloudError',
      message: 'has_vm: connect ENOENT',
      ok_to_retry: false,
    });
  });

  test.each([
    ['nothing on stdin', '', [], 'CpiError', 'not valid JSON'],
    ['a word too many', hasVm, ['has_vm'], 'CpiError', 'usage: boshvirt cpi'],
    ['an unknown flag', hasVm, ['--colour'], 'CpiError', 'usage: boshvirt cpi'],
    ['a configuration that is not there', hasVm, ['--config', '/nonexistent'], 'CpiError', '/nonexistent'],
  ])('%s', async (_, request, argv, type, message) => {
    const { error } = await ask(new MemoryHost(), request, argv);
    expect(error).toMatchObject({ type: `Bosh::Clouds::${type}`, message: expect.stringContaining(message) });
  });

  test('stdin that breaks off', async () => {
    const output: string[] = [];
    const input = {
      [Symbol.asyncIterator]: () => ({ next: async () => Promise.reject(new Error('EIO')) }),
    };
    await runCpi([], { input, writeOutput: (text) => output.push(text), writeLog: () => {} });
    expect(JSON.parse(output.join(''))).toMatchObject({ result: null, error: { message: 'EIO' }, log: '' });
  });
});

describe('the program', () => {
  const entry = join(import.meta.dirname, '../../../src/main.ts');

  /** Runs `boshvirt cpi` as bosh does, with no hypervisor within reach. */
  async function boshvirtCpi(request: string, config: object) {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-cpi-'));
    const path = join(folder.path, 'cpi.json');
    await writeFile(path, JSON.stringify(config));
    const argv = [process.execPath, entry, 'cpi', '--config', path] as const;
    return await run([...argv], { input: request, cwd: folder.path, cleanEnv: true });
  }

  const unreachable = { libvirt: { uri: 'qemu+unix:///system?socket=/nonexistent/libvirt-sock' } };

  test('info works without a hypervisor, in the empty environment that a director gives', async () => {
    const { stdout, exitCode } = await boshvirtCpi(
      '{"method":"info","arguments":[],"context":{}}',
      unreachable,
    );
    expect(exitCode).toBe(0);
    const formats = ['openstack-qcow2', 'openstack-raw', 'vsphere-ovf', 'vsphere-ova'];
    expect(JSON.parse(stdout)).toEqual({
      result: { stemcell_formats: formats, api_version: 3 },
      error: null,
      log: '',
    });
  });

  test('exit status 0 with errors too: the CLI reads no answer of a CPI that failed', async () => {
    const { stdout, exitCode } = await boshvirtCpi(hasVm, unreachable);
    expect(exitCode).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      result: null,
      error: { type: 'Bosh::Clouds::CloudError' },
      log: '',
    });
  });

  test('the context says which of the hosts is asked', async () => {
    const host = {
      ...{ backend: 'lxc', environment: 'far', storage_pool: 'far', network: 'far' },
      libvirt: { uri: 'lxc:///system?socket=/nonexistent' },
    };
    const info = (context: object) => JSON.stringify({ method: 'info', arguments: [], context });
    const config = { ...unreachable, hosts: { far: host } };
    const formats = async (context: object) =>
      JSON.parse((await boshvirtCpi(info(context), config)).stdout).result?.stemcell_formats;
    expect(await formats({ boshvirt_host: 'far' })).toEqual(['warden-tar']);
    expect(await formats({})).toContain('openstack-qcow2');
    const { stdout } = await boshvirtCpi(info({ boshvirt_host: 'elsewhere' }), config);
    expect(JSON.parse(stdout)).toMatchObject({
      result: null,
      error: { type: 'Bosh::Clouds::CpiError', message: expect.stringContaining("'elsewhere'") },
    });
  });

  test('an unknown backend is named with the known ones', async () => {
    const { stdout } = await boshvirtCpi('{"method":"info","arguments":[]}', { backend: 'vmware' });
    expect(JSON.parse(stdout).error.message).toContain("no backend 'vmware'; known: qemu");
  });
});
