import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shutdownSignal } from '../../../../../src/cpi/backends/lxc/init-process.ts';
import { parseOptions, parseVmProperties } from '../../../../../src/cpi/backends/lxc/options.ts';
import { type Log, silentLog } from '../../../../../src/platform/log.ts';
import { packageRoot } from '../../../../../src/platform/package-root.ts';

test('what is not said is one processor, 1 GiB of memory and the stemcell’s init', () => {
  expect(parseVmProperties({}, silentLog)).toEqual({
    cpus: 1,
    memoryMb: 1024,
    ephemeralDiskMb: 5120,
    rootDiskMb: 0,
    init: [],
  });
});

test('unknown keys warn, wrong types fail with the key’s name', () => {
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (line) => warnings.push(line) };
  parseVmProperties({ machine: 'q35', memory: 256 }, log);
  expect(warnings).toEqual([expect.stringContaining('machine')]);
  expect(() => parseVmProperties({ memory: 'much' }, log)).toThrow(/cloud_properties\.memory/);
  expect(() => parseVmProperties({ init: 'sbin/init' }, log)).toThrow(/cloud_properties\.init/);
  expect(() => parseOptions({ soft_reboot: 1 })).toThrow(/configuration: lxc/);
});

test('each init is asked to shut down in its own way', () => {
  const signals = ['systemd', 'runsvdir', 'init', 'sh', undefined].map(shutdownSignal);
  expect(signals).toEqual([38, 1, 12, 15, 15]);
});

test('the documented keys are understood', () => {
  const page = readFileSync(join(packageRoot(), 'docs/cloud-properties.md'), 'utf8');
  const own = page.slice(page.indexOf('On `lxc` besides'), page.indexOf('### `vm_resources`'));
  const keys = [...own.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
  expect(keys).toEqual(['init']);
});
