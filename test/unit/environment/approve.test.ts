import { afterEach, expect, test, vi } from 'vitest';
import { approve } from '../../../src/environment/doctor.ts';
import type { Caller } from '../../../src/environment/steps/step.ts';
import { silentLog } from '../../../src/platform/log.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Somebody who answers the same to everything. */
function caller(answer: boolean) {
  const told: string[] = [];
  const asked: Caller = {
    log: silentLog,
    signal: new AbortController().signal,
    runSteps: async () => {},
    confirm: async () => answer,
    tell: (text) => told.push(text),
  };
  return { asked, told };
}

const command = 'apt-get install --no-install-recommends qemu-utils dnsmasq-base';
const missing = ['qemu-utils', 'dnsmasq-base'];

test('without root the one command is told, and nobody is asked', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  await expect(approve(missing, caller(true).asked)).rejects.toMatchObject({
    code: 'PREFLIGHT',
    hints: [`as root: ${command}`],
  });
});

test('root is shown the command, and then asked', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0);
  const { asked, told } = caller(true);
  await approve(missing, asked);
  expect(told.join('\n')).toContain(command);
  await expect(approve(missing, caller(false).asked)).rejects.toMatchObject({ code: 'DECLINED' });
});
