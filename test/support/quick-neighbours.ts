import { run } from '../../src/platform/process.ts';

/** Has a bridge ask for a neighbour that is not there three times in half a second, not in three. */
export async function askQuickly(netnsName: string, bridge: string): Promise<void> {
  const setting = `net.ipv4.neigh.${bridge}.retrans_time_ms=150`;
  await run(['ip', 'netns', 'exec', netnsName, 'sysctl', '-qw', setting]);
}
