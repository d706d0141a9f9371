/** The part of an agent's settings (contract 2.3) that the probe agent goes by. */

export type DiskHint = string | Readonly<Record<string, string>>;

export interface NetworkSettings {
  readonly name: string;
  readonly type: 'manual' | 'dynamic' | 'vip';
  readonly ip?: string;
  /** Length of the network's prefix in bits. */
  readonly prefix?: number;
  readonly gateway?: string;
  readonly dns: readonly string[];
  readonly isDefaultFor: readonly string[];
  readonly mac?: string;
  readonly preconfigured: boolean;
}

export interface TlsIdentity {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Settings {
  readonly agentId: string;
  readonly vm: Readonly<Record<string, unknown>>;
  readonly mbus: string;
  readonly networks: readonly NetworkSettings[];
  /** Where the ephemeral disk is, if there is one. */
  readonly ephemeralDisk?: string;
  readonly persistentDisks: ReadonlyMap<string, DiskHint>;
  readonly authorizedKeys: readonly string[];
  /** A crypt(3) hash, or `*` for no password. */
  readonly password?: string;
  readonly tls?: TlsIdentity;
  /** As it came, for get_state. */
  readonly rawNetworks: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

/** Reads settings; throws an Error that names the part which is not as the contract says. */
export function parseSettings(text: string): Settings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error('the settings are not JSON', { cause: error });
  }
  const settings = object(value, 'settings');
  const bosh = optionalObject(optionalObject(settings.env, 'env').bosh, 'env.bosh');
  const disks = optionalObject(settings.disks, 'disks');
  const networks = optionalObject(settings.networks, 'networks');
  if (disks.system !== undefined && typeof disks.system !== 'string')
    throw new Error('settings: disks.system must be a string'); // the real agent cannot read anything else (contract 2.3)
  return {
    agentId: string(settings.agent_id, 'agent_id'),
    vm: optionalObject(settings.vm, 'vm'),
    mbus: mbusOf(settings, bosh),
    networks: Object.entries(networks).map(([name, network]) =>
      networkOf(name, object(network, `networks.${name}`)),
    ),
    ...optional('ephemeralDisk', ephemeralOf(disks.ephemeral)),
    persistentDisks: new Map(
      Object.entries(optionalObject(disks.persistent, 'disks.persistent')).map(([cid, hint]) => [
        cid,
        parseHint(hint),
      ]),
    ),
    authorizedKeys: strings(bosh.authorized_keys, 'env.bosh.authorized_keys'),
    ...optional('password', optionalString(bosh.password, 'env.bosh.password')),
    ...optional('tls', tlsOf(bosh)),
    rawNetworks: networks,
  };
}

/** A hint as attach_disk gives it: a path, or an object of strings (contract 2.3). */
export function parseHint(hint: unknown): DiskHint {
  if (typeof hint === 'string') return hint;
  const fields = object(hint, 'disk hint');
  for (const [key, value] of Object.entries(fields)) string(value, `disk hint ${key}`);
  return fields as Record<string, string>;
}

function mbusOf(settings: Json, bosh: Json): string {
  const urls = strings(optionalObject(bosh.mbus, 'env.bosh.mbus').urls, 'env.bosh.mbus.urls');
  return urls[0] ?? optionalString(settings.mbus, 'mbus') ?? '';
}

function tlsOf(bosh: Json): TlsIdentity | undefined {
  const cert = optionalObject(optionalObject(bosh.mbus, 'env.bosh.mbus').cert, 'env.bosh.mbus.cert');
  const certificate = optionalString(cert.certificate, 'env.bosh.mbus.cert.certificate');
  const privateKey = optionalString(cert.private_key, 'env.bosh.mbus.cert.private_key');
  return certificate && privateKey ? { certificate, privateKey } : undefined;
}

function ephemeralOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  return string(object(value, 'disks.ephemeral').path, 'disks.ephemeral.path');
}

function networkOf(name: string, network: Json): NetworkSettings {
  const at = `networks.${name}`;
  const text = (key: string) => optionalString(network[key], `${at}.${key}`) || undefined;
  const [type, ip, netmask] = [text('type') ?? 'manual', text('ip'), text('netmask')];
  if (!['manual', 'dynamic', 'vip'].includes(type)) throw new Error(`settings: ${at}.type is ${type}`);
  const prefix = text('prefix') ?? (netmask && String(prefixLength(netmask)));
  return {
    name,
    type: type as NetworkSettings['type'],
    ...optional('ip', ip),
    ...optional('prefix', prefix === undefined ? undefined : Number(prefix)),
    ...optional('gateway', text('gateway')),
    ...optional('mac', text('mac')?.toLowerCase()),
    dns: strings(network.dns, `${at}.dns`),
    isDefaultFor: strings(network.default, `${at}.default`),
    preconfigured: network.preconfigured === true,
  };
}

/** `255.255.255.0` → 24, `ffff:ffff:ffff:ffff::` → 64. */
export function prefixLength(netmask: string): number {
  const isV6 = netmask.includes(':');
  const groups = netmask.split(isV6 ? ':' : '.').filter((group) => group !== '');
  const width = isV6 ? 16 : 8;
  const bits = groups
    .map((group) =>
      Number.parseInt(group, isV6 ? 16 : 10)
        .toString(2)
        .padStart(width, '0'),
    )
    .join('')
    .padEnd(netmask.endsWith('::') ? 128 : 0, '0');
  if (!/^1*0*$/.test(bits) || bits.length !== (isV6 ? 128 : 32))
    throw new Error(`settings: ${netmask} is no netmask`);
  return bits.replace(/0*$/, '').length;
}

function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`settings: ${what} must be an object`);
  return value as Json;
}

const optionalObject = (value: unknown, what: string): Json =>
  value === undefined || value === null ? {} : object(value, what);

function string(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`settings: ${what} must be a string`);
  return value;
}

const optionalString = (value: unknown, what: string): string | undefined =>
  value === undefined || value === null ? undefined : string(value, what);

function strings(value: unknown, what: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`settings: ${what} must be a list`);
  return value.map((item) => string(item, what));
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
