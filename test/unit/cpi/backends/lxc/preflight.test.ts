import { describe, expect, test } from 'vitest';
import { judgeV1, judgeV2 } from '../../../../../src/cpi/backends/lxc/preflight.ts';

describe('control groups v1', () => {
  const folders = ['blkio', 'cpu', 'cpu,cpuacct', 'cpuacct', 'devices', 'freezer', 'memory', 'systemd'];

  test('are in order with one folder for each controller, or for two', () => {
    expect(judgeV1(folders)).toMatchObject({ status: 'ok', detail: 'v1' });
    expect(judgeV1(['cpu,cpuacct', 'devices', 'memory'])).toMatchObject({ status: 'ok' });
  });

  test('what is missing is named', () => {
    const seen = judgeV1(folders.filter((name) => !['memory', 'devices'].includes(name)));
    expect(seen).toMatchObject({ status: 'fail', detail: 'v1 without memory, devices' });
    expect(judgeV1([])).toMatchObject({ status: 'fail' });
  });
});

describe('control groups v2', () => {
  const all = ['cpuset', 'cpu', 'io', 'memory', 'pids'];

  test.each([
    ['a machine with systemd', all, ['cpu', 'memory', 'pids'], true, 'ok'],
    ['a machine on which nobody handed anything on yet', all, [], true, 'ok'],
    ['a machine whose kernel has no memory controller', ['cpu', 'io'], ['cpu'], true, 'fail'],
    ['a container with a tree of its own, in whose root processes are', all, [], false, 'fail'],
    ['a container that hands controllers on', all, all, false, 'ok'],
  ])('%s', (_, controllers, handedOn, isMachinesRoot, status) => {
    expect(judgeV2(controllers, handedOn, isMachinesRoot)).toMatchObject({ status });
  });
});
