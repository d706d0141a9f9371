import { run } from '../../../platform/process.ts';
import type { BackendConfig } from '../../backend.ts';

/** Why programs of ours cannot run in the network that libvirt's bridges are in, and what to do about it. */
export interface HostObstacle {
  readonly why: string;
  readonly hint: string;
}

/** What keeps this process from looking at the network of the hypervisor's machine; undefined if nothing does. */
export function obstacleToLooking({ uri, networkNamespace }: BackendConfig): HostObstacle | undefined {
  const { hostname, searchParams } = new URL(uri);
  if (hostname !== '')
    return {
      why: `libvirt is on another machine (${hostname})`,
      hint: 'run the CPI on the hypervisor’s machine',
    };
  if (searchParams.has('socket') && networkNamespace === undefined)
    return {
      why: `it is not known in which network the libvirt at ${uri} has its bridges`,
      hint: 'name it in cpi.json: libvirt: { network_namespace: /run/netns/NAME }, or /proc/1/ns/net for the machine’s own',
    };
  return networkNamespace === undefined ? undefined : unlessRoot();
}

/** The same for changing anything in it. */
export const obstacleToChanging = (config: BackendConfig): HostObstacle | undefined =>
  obstacleToLooking(config) ?? unlessRoot();

const unlessRoot = (): HostObstacle | undefined =>
  process.geteuid?.() === 0 ? undefined : { why: 'boshvirt does not run as root', hint: 'run it as root' };

/** What a program is started with so that it runs in that network. */
export const hostPrefix = ({ networkNamespace }: BackendConfig): readonly string[] =>
  networkNamespace === undefined ? [] : ['nsenter', `--net=${networkNamespace}`];

/** Runs a program in that network and gives its output. Throws a ToolError. */
export async function runOnHost(
  config: BackendConfig,
  argv: readonly [string, ...string[]],
  input?: string,
): Promise<string> {
  const command = [...hostPrefix(config), ...argv] as [string, ...string[]];
  return (await run(command, input === undefined ? {} : { input })).stdout;
}
