import * as z from 'zod/mini';
import type { Log } from '../../../platform/log.ts';
import { parseProperties, warnOfUnknown } from '../../cloud-properties.ts';
import { CloudError } from '../../errors.ts';

/** What a network is to the world behind the host; one meaning on every backend (docs/networks.md). */
export type NetworkMode = 'nat' | 'isolated' | 'routed' | 'bridge';

/** The host's ports that lead to a VM's. */
export interface PortProperties {
  readonly protocol: 'tcp' | 'udp';
  readonly host: { readonly first: number; readonly last: number };
  /** The VM's port; the same as the host's if it is not given. */
  readonly guest: number | undefined;
}

const port = z.int().check(z.minimum(1), z.maximum(65535));
const portSchema = z.strictObject({
  /** 8080, "8080", or "1024-1123". */
  host: z.union([port, z.string().check(z.regex(/^\d+(-\d+)?$/, 'not a port or a range of ports'))]),
  guest: z.optional(port),
  protocol: z._default(z.enum(['tcp', 'udp']), 'tcp'),
});
const schema = z.object({
  /** libvirt's name of the network; '': the configured one. */
  name: z._default(z.string(), ''),
  mode: z.optional(z.enum(['nat', 'isolated', 'routed', 'bridge'])),
  /** The host's own bridge, of mode bridge. */
  bridge: z._default(z.string(), ''),
  ports: z._default(z.array(portSchema), []),
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
  const read = ports.map((each, at) => readPort(each, `${where}.ports.${at}`));
  return { name, mode, bridge, ports: read };
}

function readPort({ host, guest, protocol }: z.output<typeof portSchema>, where: string): PortProperties {
  const [first = 0, last = first] = String(host).split('-').map(Number);
  if (first < 1 || last > 65535 || first > last)
    throw new CloudError('CloudError', `${where}.host: ${host} is no port or range of ports`);
  if (guest !== undefined && first !== last)
    throw new CloudError('CloudError', `${where}.guest: a range of ports leads to the same ports of the VM`);
  return { protocol, host: { first, last }, guest };
}
