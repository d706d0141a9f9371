import * as z from 'zod/mini';
import type { Log } from '../../../platform/log.ts';
import { parseProperties, warnOfUnknown } from '../../cloud-properties.ts';
import { CloudError } from '../../errors.ts';
import { type PortProperties, portsShape, readPorts } from './port-properties.ts';

/** What a network is to the world behind the host; one meaning on every backend (docs/networks.md). */
export type NetworkMode = 'nat' | 'isolated' | 'routed' | 'bridge';

const schema = z.object({
  /** libvirt's name of the network; '': the configured one. */
  name: z._default(z.string(), ''),
  mode: z.optional(z.enum(['nat', 'isolated', 'routed', 'bridge'])),
  /** The host's own bridge, of mode bridge. */
  bridge: z._default(z.string(), ''),
  ...portsShape,
});
const knownKeys = new Set(Object.keys(schema.shape));

/** The cloud properties of a network, read. */
export interface NetworkProperties {
  readonly name: string;
  readonly mode: NetworkMode | undefined;
  readonly bridge: string;
  readonly ports: readonly PortProperties[];
}

/** Reads a network's cloud properties: unknown keys warn; wrong values fail with the key's name. */
export function parseNetworkProperties(
  network: string,
  properties: Readonly<Record<string, unknown>>,
  log: Log,
): NetworkProperties {
  const where = `networks.${network}.cloud_properties`;
  warnOfUnknown(`network ${network}`, properties, knownKeys, log);
  const { name, mode, bridge, ports } = parseProperties(schema, properties, where);
  if (mode === 'bridge' && bridge === '')
    throw new CloudError('CloudError', `${where}.bridge: mode bridge needs the name of a bridge of the host`);
  if (mode === 'bridge' && name !== '')
    throw new CloudError('CloudError', `${where}.name: mode bridge goes past libvirt’s networks`);
  if (mode !== 'bridge' && bridge !== '')
    throw new CloudError('CloudError', `${where}.bridge: is for mode: bridge alone`);
  return { name, mode, bridge, ports: readPorts(ports, `${where}.ports`) };
}
