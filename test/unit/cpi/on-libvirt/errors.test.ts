import { describe, expect, test } from 'vitest';
import { LibvirtError } from '../../../../src/clients/libvirt/index.ts';
import { diskNotFound } from '../../../../src/cpi/errors.ts';
import { cloudErrorFrom } from '../../../../src/cpi/on-libvirt/errors.ts';
import { ToolError } from '../../../../src/platform/errors.ts';

/** What libvirt says, with its own code; `int1` is an errno in errors of the system. */
const said = (message: string, code = 1, int1 = 0) =>
  new LibvirtError(
    { code, message, int1, int2: 0, domain: 18, level: 2 } as ConstructorParameters<typeof LibvirtError>[0],
    { procedure: 'volumeCreate', subject: undefined },
  );

describe('what libvirt says becomes', () => {
  test.each([
    ['of the system', said('cannot allocate 104857600 bytes in file', 38, 28)],
    ['of a file system that holds no file so large', said('cannot extend file', 38, 27)],
    [
      'of qemu-img',
      said('Child process (/usr/bin/qemu-img create) unexpected exit status 1: No space left on device'),
    ],
    [
      'of a program',
      new ToolError(
        'HYPERVISOR',
        "cp a b failed with exit status 1:\ncp: error writing 'b': No space left on device",
      ),
    ],
    ['of a pool', said('operation failed: Not enough space left in storage pool', 9)],
  ])('NoDiskSpace: %s', (_, error) => {
    const cloudError = cloudErrorFrom(error, 'Creating VM vm-1', 'VMCreationFailed');
    expect([cloudError.type, cloudError.okToRetry, cloudError.cause]).toEqual(['NoDiskSpace', false, error]);
    expect(cloudError.message).toBe(`Creating VM vm-1: ${error.message}`);
  });

  test.each([
    ["internal error: pool 'p1' has asynchronous jobs running.", true],
    ["volume 'cl.raw' is still being allocated.", true],
    ['Failed to get "write" lock', true],
    ["network 'nat1' is not active", false],
  ])('VMCreationFailed, worth another try or not: %s', (message, okToRetry) => {
    expect(cloudErrorFrom(said(message), 'Starting', 'VMCreationFailed')).toMatchObject({
      type: 'VMCreationFailed',
      okToRetry,
    });
    expect(cloudErrorFrom(said(message), 'Attaching')).toMatchObject({
      type: 'CloudError',
      okToRetry: false,
    });
  });

  test('itself if it is our own word already', () => {
    const error = diskNotFound('disk-1');
    expect(cloudErrorFrom(error, 'Attaching', 'VMCreationFailed')).toBe(error);
  });
});

test('an error of another kind that speaks of space is neither libvirt’s nor a program’s', () => {
  expect(cloudErrorFrom(new Error('No space left on device'), 'x').type).toBe('CloudError');
});
