import { describe, expect, test } from 'vitest';
import { parseOptions, parseVmProperties } from '../../../../../src/cpi/backends/qemu/options.ts';
import { lineLog, silentLog } from '../../../../../src/platform/log.ts';

describe('options', () => {
  test('have defaults', () => {
    expect(parseOptions({})).toEqual({ machine: 'pc', accel: 'auto', soft_reboot_seconds: 90 });
  });

  test.each([
    ['an unknown machine', { machine: 'virt' }, 'configuration: qemu.machine: '],
    ['a negative time', { soft_reboot_seconds: -1 }, 'configuration: qemu.soft_reboot_seconds: '],
    ['a key that there is not', { machin: 'pc' }, 'configuration: qemu: '],
  ])('%s is named', (_, options, message) => {
    expect(() => parseOptions(options)).toThrow(message);
  });
});

describe('cloud properties of a VM', () => {
  test('have defaults, in MiB', () => {
    expect(parseVmProperties({}, silentLog)).toEqual({
      cpus: 1,
      memoryMb: 1024,
      ephemeralDiskMb: 5120,
      rootDiskMb: 0,
    });
    const properties = { cpus: 4, memory: 2048, ephemeral_disk: 0, root_disk: 10240 };
    expect(parseVmProperties(properties, silentLog)).toEqual({
      cpus: 4,
      memoryMb: 2048,
      ephemeralDiskMb: 0,
      rootDiskMb: 10240,
    });
  });

  test('that are unknown are told and ignored', () => {
    let log = '';
    parseVmProperties(
      { cpu: 2, ports: [] },
      lineLog((line) => (log += line)),
    );
    expect(log).toMatch(/warn VM cloud_properties that this backend does not know are ignored: cpu, ports\n/);
  });

  test.each([
    ['text for a number', { memory: '1024' }, 'cloud_properties.memory: '],
    ['half a processor', { cpus: 0.5 }, 'cloud_properties.cpus: '],
    ['no processor', { cpus: 0 }, 'cloud_properties.cpus: '],
    ['less memory than any guest needs', { memory: 16 }, 'cloud_properties.memory: '],
    ['a negative size', { root_disk: -1 }, 'cloud_properties.root_disk: '],
    ['two faults', { cpus: 'x', ephemeral_disk: null }, '; cloud_properties.ephemeral_disk: '],
  ])('%s is refused by the key’s name', (_, properties, message) => {
    expect(() => parseVmProperties(properties, silentLog)).toThrow(message);
  });
});
