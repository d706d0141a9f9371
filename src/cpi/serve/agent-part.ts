import * as z from 'zod/mini';
import type { JsonObject } from '../backend.ts';
import { issuesOf, jsonFault } from '../wire.ts';
import { Refusal } from './refusal.ts';

const schema = z.object({
  mbus: z.optional(z.string()),
  blobstore: z.optional(z.nullable(z.record(z.string(), z.json()))),
  ntp: z.optional(z.nullable(z.array(z.string()))),
});

/**
 * What a client says for the agents of its VMs: the job's `agent` properties, JSON in base64. It is all of the CPI's
 * configuration that a client has a say in: libvirt, pool, network and environment are the host's.
 */
export function readAgentPart(header: string | undefined): JsonObject {
  if (header === undefined) return {};
  const parsed = schema.safeParse(parse(Buffer.from(header, 'base64').toString('utf8')));
  if (parsed.success) return parsed.data as JsonObject;
  throw wrong(issuesOf(parsed.error));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrong(jsonFault(error));
  }
}

const wrong = (why: string): Refusal =>
  new Refusal(400, 'CpiError', `The header Boshvirt-Agent is wrong: ${why}`);
