import * as z from 'zod/mini';

/** How two hosts' bridges are one network. */
export const tunnelSchema = z.object({
  device: z.string(),
  id: z.int(),
  port: z.int(),
  /** The first host's address and this one's, in the network that the packets take. */
  near: z.string(),
  far: z.string(),
  /** Link-local addresses of the two bridges, of length 30, by which one finds the other. */
  probe: z.object({ near: z.string(), far: z.string() }),
});

/** Where an end is: on its machine, or where its libvirt's bridges are, if that is a network of its own. */
export const underlaySchema = z.enum(['machine', 'bridges']);
