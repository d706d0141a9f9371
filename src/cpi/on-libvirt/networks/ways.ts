import { parseXml, type XmlElement } from '../../../clients/libvirt/index.ts';
import { fillTemplate, markup } from '../../../platform/template.ts';
import type { GroundPlan } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { formatRange, parseAddress, parseRange, type Range, rangeAround } from './addresses.ts';

/** A range that lies behind one of a network's guests. */
export interface NetworkRoute {
  readonly range: Range;
  /** The guest's address. */
  readonly via: string;
}

/** What leads to a network's guests, besides their own addresses. */
export interface Ways {
  readonly routes: readonly NetworkRoute[];
  /** Options of the network's dnsmasq that answer whole domains. */
  readonly options: readonly string[];
}

const domainName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

/** Throws a CloudError for what is no range, no address or no domain: dnsmasq would say so only when the network starts. */
export function waysOf({ routes = [], wildcards = [] }: Pick<GroundPlan, 'routes' | 'wildcards'>): Ways {
  return {
    routes: routes.map(({ cidr, via }) => ({ range: requiredRange(cidr), via: requiredAddress(via) })),
    // `local` too, or dnsmasq says of a name that has an IPv4 address, asked for an IPv6 one, that it does not exist
    options: wildcards.flatMap(({ domain, ip }) => [
      `local=/${requiredDomain(domain)}/`,
      `address=/${domain}/${requiredAddress(ip)}`,
    ]),
  };
}

function requiredRange(cidr: string): Range {
  const range = parseRange(cidr);
  if (range?.family === 4) return range;
  throw new CloudError('CloudError', `'${cidr}' is no IPv4 range that a route could lead to`, {
    hints: ['write it like 10.244.0.0/16, with the range’s first address'],
  });
}

function requiredAddress(text: string): string {
  if (parseAddress(text)?.family === 4) return text;
  throw new CloudError('CloudError', `'${text}' is no IPv4 address`);
}

function requiredDomain(domain: string): string {
  if (domain.length < 254 && domainName.test(domain)) return domain;
  throw new CloudError('CloudError', `'${domain}' is no domain`, { hints: ['write it like sys.bosh.test'] });
}

/** Those in a network's XML. */
export function waysIn(xml: string): Ways {
  const network = parseXml(xml).child('network');
  return {
    routes: (network?.children('route') ?? []).flatMap(readRoute),
    options: optionsIn(network).own,
  };
}

/** Ours stand in twos, as `waysOf` writes them. Others have been put there by somebody, an `address` alone too, and stay. */
function optionsIn(network: XmlElement | undefined): { own: string[]; others: string[] } {
  const options = network?.child('options')?.children('option') ?? [];
  const values = options.map((option) => option.attribute('value') ?? '');
  const isTwo = (at: number): boolean => {
    const [, domain] = /^local=\/([^/]+)\/$/.exec(values[at] ?? '') ?? [];
    return domain !== undefined && (values[at + 1]?.startsWith(`address=/${domain}/`) ?? false);
  };
  const isOurs = (at: number): boolean => isTwo(at) || isTwo(at - 1);
  return {
    own: values.filter((_, at) => isOurs(at)),
    others: values.filter((_, at) => !isOurs(at)),
  };
}

function readRoute(route: XmlElement): NetworkRoute[] {
  const address = parseAddress(route.attribute('address') ?? '');
  const via = route.attribute('gateway');
  if (address?.family !== 4 || via === undefined) return [];
  return [{ range: rangeAround(address, Number(route.attribute('prefix') ?? 32)), via }];
}

export const sameWays = (a: Ways, b: Ways): boolean => wordsOf(a) === wordsOf(b);

const wordsOf = ({ routes, options }: Ways): string =>
  JSON.stringify([routes.map(describeRoute).sort(), options]);

/** `10.244.0.0/16 via 192.168.150.10`, as ip(8) takes it. */
export const describeRoute = ({ range, via }: NetworkRoute): string => `${formatRange(range)} via ${via}`;

/**
 * A network's XML with these routes and names and no others of ours; UUID, bridge, MAC and what others have written stay: without
 * them libvirt would make another network of it (libvirt-spikes.md 1). `xml` is as libvirt prints it, or a filled template.
 */
export function withWays(xml: string, { routes, options }: Ways): string {
  const { others } = optionsIn(parseXml(xml).child('network'));
  const kept = xml
    .replaceAll(/\s*<route [^>]*\/>/g, '')
    .replaceAll(/\s*<dnsmasq:options[^>]*>.*?<\/dnsmasq:options>/gs, '');
  const parts = [...routes.map(routeXml), ...optionsXml([...others, ...options])];
  return kept.replace(/\s*<\/network>\s*$/, `\n${parts.join('')}</network>\n`);
}

const routeXml = ({ range, via }: NetworkRoute): string => {
  const [address = ''] = formatRange(range).split('/');
  return fillTemplate('libvirt/network-route.xml', { address, prefixLength: range.prefixLength, via });
};

function optionsXml(options: readonly string[]): string[] {
  if (options.length === 0) return [];
  const each = options.map((value) => fillTemplate('libvirt/dnsmasq-option.xml', { value }));
  return [fillTemplate('libvirt/dnsmasq-options.xml', { options: markup(each) })];
}
