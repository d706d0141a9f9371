import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { dialThroughNetns } from '../../src/host/forward.ts';
import { waitFor } from '../../src/platform/retry.ts';
import { mbus, type Rig } from './rig.ts';

const bootTimeoutMs = 180_000;
const answerTimeoutMs = 5_000;

/** Resolves when the agent in the guest answers: the guest has booted. */
export async function waitForBoot(rig: Rig, ip: string): Promise<void> {
  const ping = async () => ((await ask(rig, ip, 'ping', [])) === 'pong' ? true : undefined);
  const answered = await waitFor(() => ping().catch(() => undefined), {
    timeoutMs: bootTimeoutMs,
    intervalMs: 500,
  });
  if (!answered) throw new Error(`the guest at ${ip} did not boot within ${bootTimeoutMs / 1000} s`);
}

/** Whether the guest has a disk with this CID as its serial number. The probe agent's unmount_disk fails if it has none. */
export async function guestSees(rig: Rig, ip: string, diskCid: string): Promise<boolean> {
  const started = (await ask(rig, ip, 'unmount_disk', [diskCid])) as { agent_task_id: string };
  const result = await waitFor(
    async () => {
      const value = (await ask(rig, ip, 'get_task', [started.agent_task_id])) as { state?: string };
      return value.state === 'running' ? undefined : JSON.stringify(value);
    },
    { timeoutMs: bootTimeoutMs, intervalMs: 50 },
  );
  return result?.includes('is not mounted') ?? false;
}

/** The answer's value, or what went wrong. Each guest has a certificate of its own making, which nobody could check. */
async function ask(rig: Rig, ip: string, method: string, args: readonly string[]): Promise<unknown> {
  const { port, username, password } = new URL(mbus);
  const stream = await dialThroughNetns(rig.netnsPath, ip, Number(port), { timeoutMs: answerTimeoutMs });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(
        `https://${ip}:${port}/agent`,
        {
          method: 'POST',
          auth: `${username}:${password}`,
          timeout: answerTimeoutMs,
          createConnection: () => connect({ socket: stream, rejectUnauthorized: false }),
        },
        resolve,
      );
      asked.once('error', reject).once('timeout', () => asked.destroy(new Error(`no answer from ${ip}`)));
      asked.end(JSON.stringify({ method, arguments: args, reply_to: 'bench' }));
    });
    const { value, exception } = (await json(response)) as { value?: unknown; exception?: unknown };
    return value ?? exception;
  } finally {
    stream.destroy();
  }
}
