/**
 * A process of its own that deals with a private host: `node private-host-program.ts start|stop|remove DIR`, to be killed, run
 * twice or run where it cannot work. Prints one line of JSON: the host, or the error.
 */
import { removePrivateHost, startPrivateHost, stopPrivateHost } from '../../src/host/private-host/index.ts';
import { BoshvirtError } from '../../src/platform/errors.ts';
import { silentLog } from '../../src/platform/log.ts';

const [, , verb = '', dir = ''] = process.argv;
const acts: Readonly<Record<string, () => Promise<unknown>>> = {
  start: () => startPrivateHost(dir, { driver: 'qemu', log: silentLog, signal: AbortSignal.timeout(90_000) }),
  stop: () => stopPrivateHost(dir),
  remove: () => removePrivateHost(dir),
};

let answer: object;
try {
  answer = { host: await acts[verb]?.() };
} catch (error) {
  if (!(error instanceof BoshvirtError)) throw error;
  const { name, code, message, hints } = error;
  answer = { error: { name, code, message, hints } };
}
process.stdout.write(`${JSON.stringify(answer)}\n`);
