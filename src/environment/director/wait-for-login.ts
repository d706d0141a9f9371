import { ToolError } from '../../platform/errors.ts';
import { waitFor } from '../../platform/retry.ts';
import type { DirectorBosh } from './director-bosh.ts';

/** After a restart of its machine a director answers minutes before UAA, which is to vouch for whoever asks it. */
const usualTimeoutMs = 5 * 60_000;
const usualIntervalMs = 1_000;
/** For one answer: one that takes the connection and says nothing must not hold the rest of the time, and more. */
const usualAnswerMs = 60_000;

type Rows = Readonly<Record<string, string>>[];

/** Asks the director for its deployments, which takes a login, until it is let in, and gives them. Throws what bosh said last. */
export async function waitForLogin(
  bosh: DirectorBosh,
  { signal }: { readonly signal: AbortSignal },
  say: (line: string) => void,
  { timeoutMs = usualTimeoutMs, intervalMs = usualIntervalMs, answerMs = usualAnswerMs } = {},
): Promise<Rows> {
  let last: ToolError | undefined;
  const ask = async (): Promise<Rows | undefined> => {
    try {
      return await bosh.rows(['deployments'], { timeoutMs: answerMs });
    } catch (error) {
      if (!(error instanceof ToolError && error.code === 'DIRECTOR')) throw error;
      if (last?.message !== error.message) say(`not yet: ${error.message}`);
      last = error;
      return undefined;
    }
  };
  const deployments = await waitFor(ask, { timeoutMs, intervalMs, signal });
  if (deployments) return deployments;
  throw last;
}
