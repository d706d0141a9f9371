import type { GuestRoad } from '../../engine/engine.ts';
import { BoshvirtError, messageOf, ToolError } from '../../platform/errors.ts';
import { run } from '../../platform/process.ts';
import { waitFor } from '../../platform/retry.ts';
import { askService } from './ask-service.ts';

export interface ApiQuestion {
  readonly systemDomain: string;
  /** Address of the router, which leads to the API by its name. */
  readonly routerIp: string;
  /** PEM of who signed the router's certificate; undefined: a user's own, which is not looked at. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
}

interface Way {
  readonly road: GuestRoad;
  readonly signal: AbortSignal;
}

/** Waits until the Cloud Controller answers through the router. Throws a ToolError TEMPORARY with what came last. */
export async function waitForApi(question: ApiQuestion, way: Way): Promise<void> {
  const url = `https://api.${question.systemDomain}`;
  let last = 'nothing';
  const answered = await waitFor(
    async () => {
      last = await answerOf({ url, ca: question.ca, address: question.routerIp }, way);
      return last === '200' ? true : undefined;
    },
    { timeoutMs: question.timeoutMs, intervalMs: 1_000, signal: way.signal },
  );
  if (answered) return;
  throw new ToolError(
    'TEMPORARY',
    `Cloud Foundry is deployed, but ${url} does not answer as it should: ${last}`,
    {
      hints: ['look again in a minute: the router learns of the API some time after its start'],
    },
  );
}

/** The status, or in words what went wrong. */
async function answerOf(
  service: { url: string; ca: string | undefined; address: string },
  way: Way,
): Promise<string> {
  try {
    const { status } = await askService(service, { method: 'GET', path: '/' }, way);
    return String(status);
  } catch (error) {
    if (error instanceof BoshvirtError) return messageOf(error);
    throw error;
  }
}

/**
 * The address that programs of this machine get for a name, or undefined; asked as they ask, with all that it is set up with.
 * `place` are the words that bring a program to where it works with the environment.
 */
export async function addressOf(
  host: string,
  place: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const [program = 'getent', ...words] = [...place, 'getent', 'ahostsv4', host];
  const { stdout } = await run([program, ...words], { okExitCodes: [2], timeoutMs: 30_000, signal });
  return stdout.match(/^\d+\.\d+\.\d+\.\d+/)?.[0];
}
