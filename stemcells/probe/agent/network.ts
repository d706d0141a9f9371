import { readdir, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Log } from './log.ts';
import type { Places } from './places.ts';
import type { RunProgram } from './programs.ts';
import type { NetworkSettings } from './settings.ts';
import { readText } from './small-files.ts';

/** Gives each network's interface its addresses, sets the default route and the name servers. */
export async function setUpNetworks(
  networks: readonly NetworkSettings[],
  places: Places,
  run: RunProgram,
  log: Log,
): Promise<void> {
  const real = networks.filter(({ type, preconfigured }) => type !== 'vip' && !preconfigured);
  const interfaces = real.length === 0 ? new Map<string, string>() : await interfacesByMac(places);
  const hasGateway = ({ isDefaultFor }: NetworkSettings) => isDefaultFor.includes('gateway');
  const clean = new Set<string>();
  for (const network of real) {
    const name = interfaceOf(network, real, interfaces);
    const isGateway = hasGateway(network) || real.length === 1;
    if (!clean.has(name)) await run(['ip', 'addr', 'flush', 'dev', name]); // networks of a nic_group share a device
    clean.add(name);
    await run(['ip', 'link', 'set', name, 'up']);
    if (network.type === 'dynamic' || network.ip === undefined || network.prefix === undefined) {
      log(`network ${network.name}: asking for an address on ${name}`);
      await askDhcp(name, isGateway || !real.some(hasGateway), run);
    } else {
      await setAddress(name, network, isGateway, run);
      log(`network ${network.name}: ${network.ip}/${network.prefix} on ${name}`);
    }
  }
  const servers = dnsOwner(networks)?.dns ?? [];
  const lines = servers.filter((server) => isIP(server)).map((server) => `nameserver ${server}\n`);
  if (lines.length > 0) await writeFile(join(places.etc, 'resolv.conf'), lines.join(''));
}

async function setAddress(
  name: string,
  { ip = '', prefix, gateway = '' }: NetworkSettings,
  isGateway: boolean,
  run: RunProgram,
): Promise<void> {
  await run(['ip', 'addr', 'add', `${ip}/${prefix}`, 'dev', name]);
  if (!isGateway || !isIP(gateway)) return;
  const family = isIP(gateway) === 6 ? ['-6'] : [];
  await run(['ip', ...family, 'route', 'replace', 'default', 'via', gateway, 'dev', name]);
}

/**
 * udhcpc goes to the background once it has an answer, or after five tries, and keeps the lease. Its script leaves the default
 * route alone if another device has it.
 */
async function askDhcp(name: string, hasRoute: boolean, run: RunProgram): Promise<void> {
  const variables = hasRoute ? '' : 'no_routes=1 ';
  const command = `${variables}exec udhcpc -i "$1" -s /etc/udhcpc.script -b -t 5 -T 1 >/dev/null 2>&1 </dev/null`;
  await run(['sh', '-c', command, 'sh', name], { timeoutMs: 30_000 });
}

/** The network that is the machine's default for names; the only one there is needs not say so (contract 1.6). */
function dnsOwner(networks: readonly NetworkSettings[]): NetworkSettings | undefined {
  return (
    networks.find(({ isDefaultFor }) => isDefaultFor.includes('dns')) ??
    (networks.length === 1 ? networks[0] : undefined)
  );
}

/** Names of the network interfaces that are devices, by MAC. */
async function interfacesByMac({ sys }: Places): Promise<Map<string, string>> {
  const folder = join(sys, 'class', 'net');
  const interfaces = new Map<string, string>();
  for (const name of (await readdir(folder)).sort()) {
    const files = await readdir(join(folder, name));
    const mac = await readText(join(folder, name, 'address'));
    if (files.includes('device') && mac !== undefined) interfaces.set(mac.trim(), name);
  }
  return interfaces;
}

/** The interface of a network: by MAC, or the only one for the only network (contract 2.5). */
function interfaceOf(
  network: NetworkSettings,
  networks: readonly NetworkSettings[],
  interfaces: ReadonlyMap<string, string>,
): string {
  const known = [...interfaces].map(([mac, name]) => `${name} ${mac}`).join(', ') || 'none';
  if (network.mac !== undefined) {
    const name = interfaces.get(network.mac);
    if (name !== undefined) return name;
    throw new Error(`no device found for network ${network.name} with MAC ${network.mac}; devices: ${known}`);
  }
  const [only] = interfaces.values();
  if (networks.length === 1 && interfaces.size === 1 && only !== undefined) return only;
  throw new Error(
    `network ${network.name} has no MAC, and there is not one device for one network; devices: ${known}`,
  );
}
