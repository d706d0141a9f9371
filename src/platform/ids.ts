/** Loaded at first use: it takes 5 ms, and the CPI's light calls need none of it. */
const crypto = () => process.getBuiltinModule('node:crypto');

/** Length of every CID: virtio-blk cuts serials at 20 bytes and the agent looks for at least 20 (contract 2.4). */
export const cidLength = 20;

/** A new CID: `prefix-` and random hex digits, 20 characters in all. */
export function newCid(prefix: string): string {
  const digits = cidLength - prefix.length - 1;
  const random = crypto()
    .randomBytes(Math.ceil(digits / 2))
    .toString('hex');
  return `${prefix}-${random.slice(0, digits)}`;
}

/** The MAC of a VM on a network: QEMU's prefix, lower case, the same for the same names (contract 8.1, 10). */
export function macFor(vmCid: string, network: string): string {
  const digest = crypto().createHash('sha256').update(`${vmCid}/${network}`).digest();
  return ['52', '54', '00', ...[0, 1, 2].map((at) => digest.toString('hex', at, at + 1))].join(':');
}

/** The first `length` hex digits of the SHA-256 of `text`: short names that must be equal in two processes. */
export function shortHash(text: string, length: number): string {
  return crypto().createHash('sha256').update(text).digest('hex').slice(0, length);
}
