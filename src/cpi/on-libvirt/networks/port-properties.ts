import * as z from 'zod/mini';
import { parseProperties } from '../../cloud-properties.ts';
import { CloudError } from '../../errors.ts';

/** The host's ports that lead to a VM's. */
export interface PortProperties {
  readonly protocol: 'tcp' | 'udp';
  readonly host: { readonly first: number; readonly last: number };
  /** The VM's port; the same as the host's if it is not given. */
  readonly guest: number | undefined;
}

const port = z.int().check(z.minimum(1), z.maximum(65535));
/** 8080, "8080", or "1024-1123". */
const portOrRange = z.union([
  port,
  z.string().check(z.regex(/^\d+(-\d+)?$/, 'not a port or a range of ports')),
]);
const portSchema = z.strictObject({
  host: portOrRange,
  guest: z.optional(port),
  /** The Warden CPI's word for `guest`. */
  container: z.optional(portOrRange),
  protocol: z._default(z.enum(['tcp', 'udp']), 'tcp'),
});

/** The key `ports` in cloud properties, of a network or of a VM. Its value is read by `readPorts`. */
export const portsShape = { ports: z._default(z.array(portSchema), []) } as const;
const vmSchema = z.object(portsShape);

/** Throws a CloudError that names the wrong key below `where`, the place of `ports` itself. */
export function readPorts(
  ports: z.output<typeof portsShape.ports>,
  where: string,
): readonly PortProperties[] {
  return ports.map((each, at) => readPort(each, `${where}.${at}`));
}

/** The ports that a VM's own cloud properties ask for: its type's and its extensions'. */
export function vmPorts(cloudProperties: Readonly<Record<string, unknown>>): readonly PortProperties[] {
  const { ports } = parseProperties(vmSchema, cloudProperties, 'cloud_properties');
  return readPorts(ports, 'cloud_properties.ports');
}

function readPort(
  { host, guest, container, protocol }: z.output<typeof portSchema>,
  where: string,
): PortProperties {
  if (guest !== undefined && container !== undefined)
    throw new CloudError('CloudError', `${where}.container: means the same as guest, so give one of them`);
  const outside = readRange(host, `${where}.host`);
  const key = container === undefined ? 'guest' : 'container';
  const inside = readRange(container ?? guest ?? host, `${where}.${key}`);
  if (outside.first === inside.first && outside.last === inside.last)
    return { protocol, host: outside, guest: undefined };
  if (isOne(outside) && isOne(inside)) return { protocol, host: outside, guest: inside.first };
  throw new CloudError('CloudError', `${where}.${key}: a range of ports leads to the same ports of the VM`);
}

const isOne = ({ first, last }: PortProperties['host']): boolean => first === last;

function readRange(value: string | number, where: string): PortProperties['host'] {
  const [first = 0, last = first] = String(value).split('-').map(Number);
  if (first >= 1 && last <= 65535 && first <= last) return { first, last };
  throw new CloudError('CloudError', `${where}: ${value} is no port or range of ports`);
}
