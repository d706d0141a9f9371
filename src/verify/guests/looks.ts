/** Shell scripts that look around in a guest, for any shell of POSIX, and what they say. */
import type { JsonValue } from '../../cpi/backend.ts';
import { isObject } from '../exchange.ts';
import type { GuestFacts } from './guest.ts';

/** One line for each fact, its name in front. */
export const factsScript = `
echo "boot $(cat /proc/sys/kernel/random/boot_id)-$(cut -d' ' -f22 /proc/1/stat)"
for nic in /sys/class/net/*; do
  [ -e "$nic/ifindex" ] && echo "nic $(cat "$nic/ifindex") \${nic##*/} $(cat "$nic/address")"
done
ip -o addr show | while read -r number name family address rest; do
  echo "address \${name%%@*} \${address%%/*}"
done
ip route show default | while read -r line; do echo "route $line"; done
echo "memory $(sed -n 's/^MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo)"
echo "data $(df -kP /var/vcap/data | tail -n 1 | tr -s ' ' | cut -d' ' -f2)"
if grep -q ' /var/vcap/store ' /proc/mounts; then
  echo "store $(df -kP /var/vcap/store | tail -n 1 | tr -s ' ' | cut -d' ' -f2)"
fi
`;

/** Reads what the script above said. A container has its host's boot id, so the start of its first process goes along. */
export function readFacts(output: string): GuestFacts {
  const lines = output.split('\n').map((line) => line.trim().split(/\s+/));
  const all = (name: string) => lines.filter(([first]) => first === name).map(([, ...words]) => words);
  const one = (name: string) => all(name)[0]?.[0];
  const addresses = all('address');
  const nics = all('nic')
    .map(([index, name = '', mac = '']) => ({ index: Number(index), name, mac }))
    .filter(({ name }) => name !== 'lo')
    .sort((a, b) => a.index - b.index)
    .map(({ name, mac }) => ({
      name,
      mac,
      addresses: addresses.filter(([nic]) => nic === name).map(([, address = '']) => address),
    }));
  const route = all('route')[0] ?? [];
  const device = route.indexOf('dev');
  const store = one('store');
  return {
    boot: one('boot') ?? '',
    nics,
    gatewayNic: device === -1 ? undefined : route[device + 1],
    memoryMb: toMb(one('memory')),
    dataMb: toMb(one('data')),
    storeMb: store === undefined ? undefined : toMb(store),
  };
}

const toMb = (kib: string | undefined): number => Math.round(Number(kib ?? 0) / 1024);

/**
 * Says the size in bytes of the device that a disk's CID or its hint leads to, or nothing: by the serial number, by the links
 * that udev makes, by the path that the hint names (contract 2.4).
 */
export function diskScript(cid: string, hint: JsonValue): string {
  const { path, id } = placesIn(hint);
  return `
cid=${quoted(cid)} path=${quoted(path)} id=${quoted(id)}
letter=$(printf %s "$path" | sed -n 's,^/dev/[sx]*v*d\\([a-z]*\\)$,\\1,p')
device=
for serial in /sys/block/*/serial; do
  [ -e "$serial" ] && [ "$(cat "$serial")" = "$(printf %.20s "$cid")" ] && device=/dev/$(basename "\${serial%/serial}")
done
for place in "$path" \${letter:+/dev/xvd$letter /dev/vd$letter /dev/sd$letter} /dev/disk/by-id/*"$cid" \${id:+/dev/disk/by-id/*"$id"}; do
  [ -z "$device" ] && [ -b "$place" ] && device=$(readlink -f "$place")
done
[ -z "$device" ] && exit 0
if [ -e "/sys/class/block/\${device##*/}/size" ]; then
  echo $(($(cat "/sys/class/block/\${device##*/}/size") * 512))
else
  blockdev --getsize64 "$device"
fi
`;
}

function placesIn(hint: JsonValue): { path: string; id: string } {
  if (typeof hint === 'string') return { path: hint, id: '' };
  const text = (value: JsonValue | undefined) => (typeof value === 'string' ? value : '');
  return isObject(hint) ? { path: text(hint.path), id: text(hint.id) } : { path: '', id: '' };
}

export const writeScript = (path: string, text: string): string =>
  `printf %s ${quoted(text)} >${quoted(path)} && sync`;

/** Says `there` and the content, or nothing. */
export const readScript = (path: string): string =>
  `[ ! -e ${quoted(path)} ] || { echo there; cat ${quoted(path)}; }`;

/** After the shell has gone, so that nobody waits for an answer of it. */
export const powerOffScript = 'sync; (sleep 1; poweroff -f) </dev/null >/dev/null 2>&1 &';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
