import * as z from 'zod/mini';
import { newCid } from '../../platform/ids.ts';
import type { NetworkCid } from '../backend.ts';
import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

const text = z.optional(z.nullable(z.string()));
/** netmask_bits comes as a number or as text. */
const bits = z.optional(z.nullable(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(128))));
const networkRequest = z.object({
  range: text,
  gateway: text,
  netmask_bits: bits,
  cloud_properties: z.optional(argument.hash),
});

/** Makes a network that a director with `managed: true` asks for; answers its CID, its addresses, and cloud properties (contract 1.3). */
export const createNetwork = defineMethod({
  args: [networkRequest],
  async run({ openBackend }, [{ range, gateway, netmask_bits, cloud_properties }]) {
    const cid = newCid('net') as NetworkCid;
    const created = await (await openBackend()).networks.create(cid, {
      range: range ?? undefined,
      gateway: gateway ?? undefined,
      netmaskBits: netmask_bits ?? undefined,
      cloudProperties: cloud_properties ?? {},
    });
    const addresses = { range: created.range, gateway: created.gateway, reserved: created.reserved };
    return [cid, addresses, created.cloudProperties];
  },
});
