import { ToolError } from '../../platform/errors.ts';
import { waitFor } from '../../platform/retry.ts';
import type { DirectorBosh } from './director-bosh.ts';

/** After a restart of its machine a director answers minutes before UAA, which is to vouch for whoever asks it. */
const usualTimeoutMs = 5 * 60_000;
const usualIntervalMs = 3_000;
/** For one answer: one that takes the connection and says nothing must not hold the rest of the time, and more. */
const usualAnswerMs = 60_000;

/** Asks the director something that takes a login until it is let in. Throws what bosh said last. */
export async function waitForLogin(
  bosh: DirectorBosh,
  { signal }: { readonly signal: AbortSignal },
  say: (line: string) => void,
  { timeoutMs = usualTimeoutMs, intervalMs = usualIntervalMs, answerMs = usualAnswerMs } = {},
): Promise<void> {
  let last: ToolError | undefined;
  const ask = async (): Promise<true | undefined> => {
    try {
      await bosh.run(['deployments', '--column=name'], { timeoutMs: answerMs });
      return true;
    } catch (error) {
      if (!(error instanceof ToolError && error.code === 'DIRECTOR')) throw error;
      if (last?.message !== error.message) say(`not yet: ${error.message}`);
      last = error;
      return undefined;
    }
  };
  if (await waitFor(ask, { timeoutMs, intervalMs, signal })) return;
  throw last;
}
