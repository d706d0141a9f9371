import { run } from '../../platform/process.ts';

const timeoutMs = 10_000;

/**
 * What `ip -json <words>` prints; empty if it ends with one of `okExitCodes`. Without anything to show ip prints nothing; of
 * interfaces without IPv4 addresses it prints empty objects.
 */
export async function ask<T extends object>(
  prefix: readonly string[],
  words: readonly string[],
  okExitCodes: readonly number[] = [],
): Promise<readonly T[]> {
  const argv = [...prefix, 'ip', '-json', ...words] as [string, ...string[]];
  const { stdout } = await run(argv, { timeoutMs, okExitCodes });
  return (JSON.parse(stdout.trim() || '[]') as T[]).filter((each) => Object.keys(each).length > 0);
}
