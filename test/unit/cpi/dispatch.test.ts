import { describe, expect, test } from 'vitest';
import { CloudError } from '../../../src/cpi/errors.ts';
import { UserError } from '../../../src/platform/errors.ts';
import { MemoryHost } from '../../support/memory-backend.ts';
import { MemoryCpi } from '../../support/memory-cpi.ts';
import { networks, withStemcell } from './methods/world.ts';

describe('info', () => {
  test('needs no hypervisor, and says the same whatever the request’s version and context', async () => {
    const cpi = new MemoryCpi(new MemoryHost());
    cpi.host.failures.set('open', new Error('the hypervisor is down'));
    for (const extra of [
      {},
      { api_version: 1 },
      { api_version: 2, context: { vm: { stemcell: { api_version: 3 } } } },
    ]) {
      expect(await cpi.respond(JSON.stringify({ method: 'info', arguments: [], ...extra }))).toEqual({
        result: { stemcell_formats: ['openstack-qcow2', 'openstack-raw'], api_version: 3 },
        error: null,
        log: '',
      });
    }
  });
});

describe('never throws', () => {
  test.each([
    ['unreadable text', 'x', 'Bosh::Clouds::CpiError'],
    ['an unknown method', '{"method":"fly","arguments":[]}', 'Bosh::Clouds::NotImplemented'],
    [
      'a name that every object has',
      '{"method":"constructor","arguments":[]}',
      'Bosh::Clouds::NotImplemented',
    ],
    ['another', '{"method":"__proto__","arguments":[]}', 'Bosh::Clouds::NotImplemented'],
    ['arguments that are missing', '{"method":"has_vm","arguments":[]}', 'Bosh::Clouds::CpiError'],
  ])('%s', async (_, text, type) => {
    const cpi = new MemoryCpi(new MemoryHost());
    const response = await cpi.respond(text);
    expect(response).toEqual({
      result: null,
      error: { type, message: expect.any(String), ok_to_retry: false },
      log: '',
    });
    expect(cpi.host.open).toBe(0);
  });

  test.each([
    ['current_vm_id', []],
    ['ping', []],
    ['configure_networks', ['vm-1', {}]],
  ])('%s, which we lack, is NotImplemented and not a false success', async (method, args) => {
    const { type, message } = await new MemoryCpi(new MemoryHost()).failure(method, ...args);
    expect([type, message]).toEqual(['NotImplemented', expect.stringContaining(`'${method}'`)]);
  });

  test('a hypervisor that is down is a CloudError with its reason and what to do', async () => {
    const cpi = new MemoryCpi(new MemoryHost());
    const down = new UserError('HYPERVISOR', 'cannot connect', {
      hints: ['start it'],
      cause: new Error('ECONNREFUSED'),
    });
    cpi.host.failures.set('open', down);
    expect(await cpi.failure('has_vm', 'vm-1')).toEqual({
      type: 'CloudError',
      message: 'has_vm: cannot connect: ECONNREFUSED\nstart it',
      ok_to_retry: false,
    });
  });

  test('whatever is thrown becomes an error of the call', async () => {
    for (const thrown of [new TypeError('oh'), 'oh', undefined, null]) {
      const cpi = new MemoryCpi(new MemoryHost());
      cpi.host.failures.set('disks.create', thrown);
      expect(await cpi.failure('create_disk', 512, {}, null)).toMatchObject({
        type: 'CloudError',
        ok_to_retry: false,
      });
    }
  });
});

test('the log tells of each call, with the stack of an unexpected error only', async () => {
  const { cpi, host, stemcell } = await withStemcell();
  await cpi.call('has_vm', 'vm-1');
  expect(cpi.log).toMatch(/info has_vm: done in \d+ ms\n/);
  host.failures.set('networks.plan', new CloudError('NetworkNotFound', 'no such network'));
  await cpi.failure('create_vm', 'a', stemcell, {}, networks, [], {});
  expect(cpi.log).toContain('warn create_vm: NetworkNotFound: no such network');
  expect(cpi.log).not.toMatch(/^ {4}at /m);
  host.failures.set('networks.plan', new TypeError('a bug'));
  await cpi.failure('create_vm', 'a', stemcell, {}, networks, [], {});
  expect(cpi.log).toMatch(/debug TypeError: a bug\n {4}at /);
});
