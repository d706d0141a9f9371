import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { CloudError } from '../../../src/cpi/errors.ts';
import {
  argument,
  directorOf,
  failure,
  parseArguments,
  parseRequest,
  success,
} from '../../../src/cpi/wire.ts';

describe('parseRequest', () => {
  test('reads what the director and the CLI send', () => {
    const text = '{"method":"has_vm","arguments":["vm-1"],"context":{"director_uuid":"d"},"api_version":2}';
    expect(parseRequest(text)).toEqual({
      method: 'has_vm',
      arguments: ['vm-1'],
      context: { director_uuid: 'd' },
      apiVersion: 2,
    });
  });

  test.each([
    ['the director’s info has no api_version', { method: 'info', arguments: [], context: {} }],
    ['no context', { method: 'info', arguments: [] }],
    ['nulls', { method: 'info', arguments: null, context: null, api_version: null }],
    ['the method alone', { method: 'info' }],
    ['keys of a later bosh', { method: 'info', arguments: [], context: {}, trace_id: 'x' }],
  ])('%s', (_, request) => {
    expect(parseRequest(` ${JSON.stringify(request)}\n`)).toEqual({
      method: 'info',
      arguments: [],
      context: {},
      apiVersion: undefined,
    });
  });

  test.each([
    ['nothing', '', /not valid JSON/],
    ['half of it', '{"method":"info","argu', /not valid JSON/],
    ['two values', '{"method":"info"}{}', /not valid JSON/],
    ['a list', '[]', /expected object/],
    ['null', 'null', /expected object/],
    ['no method', '{"arguments":[]}', /method/],
    ['a method that is no text', '{"method":3}', /method/],
    ['arguments by name', '{"method":"info","arguments":{"vm_cid":"x"}}', /arguments/],
    ['a context that is no hash', '{"method":"info","context":"x"}', /context/],
    ['a version that is no number', '{"method":"info","api_version":"2"}', /api_version/],
  ])('refuses %s as a CpiError', (_, text, message) => {
    const parse = () => parseRequest(text);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ type: 'CpiError', okToRetry: false }));
  });

  test('quotes nothing of a request that is no JSON: it may hold a password', () => {
    for (const text of ['hunter22', '{"password": hunter22}', `{"password": "hunter22" hunter22}`]) {
      expect(() => parseRequest(text)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter') }),
      );
    }
  });
});

test('who asks is the director’s UUID, and nobody where none is given', () => {
  const asks = (context: unknown) => directorOf(parseRequest(JSON.stringify({ method: 'info', context })));
  expect(asks({ director_uuid: 'd-1' })).toBe('d-1');
  expect([asks({}), asks(null), asks({ director_uuid: 5 })]).toEqual(['', '', '']);
});

describe('parseArguments', () => {
  const shapes = [argument.vm, argument.sizeMb, argument.hash] as const;
  const parse = (...values: unknown[]) => parseArguments('method_x', shapes, 1, values);

  test('gives each its type, null for an empty hash included', () => {
    expect(parse('vm-1', 512, null)).toEqual(['vm-1', 512, {}]);
    expect(parse('vm-1', 512, { a: { b: [1, null] } })).toEqual(['vm-1', 512, { a: { b: [1, null] } }]);
  });

  test('the last may be absent, and what a later bosh adds is ignored', () => {
    expect(parse('vm-1', 512)).toEqual(['vm-1', 512, undefined]);
    expect(parse('vm-1', 512, {}, 'new')).toEqual(['vm-1', 512, {}]);
  });

  test.each([
    ['too few', ['vm-1'], 'method_x takes at least 2 arguments, got 1'],
    ['a number for a CID', [1, 512], 'method_x: argument 1: '],
    ['an empty CID', ['', 512], 'method_x: argument 1: '],
    ['a path for a CID', ['../../etc/passwd', 512], 'method_x: argument 1: not a CID'],
    ['null for a CID', [null, 512], 'method_x: argument 1: '],
    ['text for a size', ['vm-1', '512'], 'method_x: argument 2: '],
    ['a size of nothing', ['vm-1', 0], 'method_x: argument 2: '],
    ['a negative size', ['vm-1', -5], 'method_x: argument 2: '],
    ['a broken size', ['vm-1', 1.5], 'method_x: argument 2: '],
    ['a list for a hash', ['vm-1', 512, []], 'method_x: argument 3: '],
    ['text for a hash', ['vm-1', 512, 'x'], 'method_x: argument 3: '],
  ])('refuses %s and names it', (_, values, message) => {
    expect(() => parse(...values)).toThrow(message);
    expect(() => parse(...values)).toThrow(expect.objectContaining({ type: 'CpiError' }));
  });

  test('networks keep the keys that we do not know, and their order', () => {
    const networks = {
      z: { type: 'manual', ip: '10.0.0.2', from_the_future: [1] },
      a: { type: 'dynamic', cloud_properties: null, dns: null },
    };
    const [parsed] = parseArguments('create_vm', [argument.networks], 0, [networks]);
    expect(JSON.stringify(parsed)).toBe(JSON.stringify(networks));
  });

  test.each([
    ['an address that is no text', { ip: 5 }, 'n: ip: '],
    ['a default that is no list', { default: 'gateway' }, 'n: default: '],
    ['cloud properties that are no hash', { cloud_properties: 'x' }, 'n: cloud_properties: '],
    ['a type that is no text', { type: ['manual'] }, 'n: type: '],
  ])('refuses %s of a network and names it', (_, network, message) => {
    const parse = () => parseArguments('create_vm', [argument.networks], 0, [{ n: network }]);
    expect(parse).toThrow(`create_vm: argument 1: ${message}`);
  });

  test('says where within an argument the fault lies', () => {
    expect(() =>
      parseArguments('m', [z.object({ a: z.object({ b: z.string() }) })], 0, [{ a: { b: 1 } }]),
    ).toThrow(/argument 1: a: b: .*expected string/);
  });
});

describe('responses', () => {
  test('have all keys always, and an empty log', () => {
    expect(success('vm-1')).toEqual({ result: 'vm-1', error: null, log: '' });
    expect(success(undefined)).toEqual({ result: null, error: null, log: '' });
    expect(success(false)).toEqual({ result: false, error: null, log: '' });
  });

  test('an error has the director’s name for its type, and its hints with the message', () => {
    const error = new CloudError('VMCreationFailed', 'no', {
      okToRetry: true,
      hints: ['do this', 'or that'],
    });
    expect(failure(error)).toEqual({
      result: null,
      error: { type: 'Bosh::Clouds::VMCreationFailed', message: 'no\ndo this\nor that', ok_to_retry: true },
      log: '',
    });
  });
});
