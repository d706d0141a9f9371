/** The JSON that bosh and the CPI exchange (contract 1.1). Wire names stay in this room. */

import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { messageOf } from '../platform/errors.ts';
import type { NetworkSpec } from './agent/networks.ts';
import type {
  DiskCid,
  JsonObject,
  JsonValue,
  NetworkCid,
  SnapshotCid,
  StemcellCid,
  VmCid,
} from './backend.ts';
import { CloudError } from './errors.ts';

// its own file: `z.locales` would bring fifty languages into each start of the CPI
z.config(en());

export interface CpiRequest {
  readonly method: string;
  readonly arguments: readonly unknown[];
  readonly context: JsonObject;
  /** Absent for `info` from the director. */
  readonly apiVersion: number | undefined;
}

export interface CpiResponse {
  readonly result: JsonValue;
  readonly error: { readonly type: string; readonly message: string; readonly ok_to_retry: boolean } | null;
  /** Always empty: the log is streamed to stderr, and bosh would show it twice (contract 1.1). */
  readonly log: string;
}

const envelope = z.object({
  method: z.string(),
  arguments: z.optional(z.nullable(z.array(z.unknown()))),
  context: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
  api_version: z.optional(z.nullable(z.number())),
});

/** Reads one request. Throws a CpiError for text that is no JSON or no request. */
export function parseRequest(text: string): CpiRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CloudError('CpiError', `The request is not valid JSON: ${jsonFault(error)}`);
  }
  const parsed = envelope.safeParse(json);
  if (!parsed.success)
    throw new CloudError('CpiError', `The request is not a CPI request: ${issuesOf(parsed.error)}`);
  const { method, arguments: args, context, api_version: apiVersion } = parsed.data;
  return {
    method,
    arguments: args ?? [],
    context: (context ?? {}) as JsonObject,
    apiVersion: apiVersion ?? undefined,
  };
}

/** Who asks: a director's UUID, or that of a create-env's state file (contract 1.1). */
export function directorOf(request: CpiRequest): string {
  const { director_uuid: uuid } = request.context;
  return typeof uuid === 'string' ? uuid : '';
}

/** What JSON.parse says is wrong, without the piece of the text that it quotes: that may be a password. */
export function jsonFault(error: unknown): string {
  return messageOf(error).replace(/,? ?(\.{3})?".*"(\.{3})? is not valid JSON$/s, '');
}

/** Argument shapes that the methods share. */
export const argument = {
  text: z.string(),
  stemcell: cid<StemcellCid>(),
  vm: cid<VmCid>(),
  disk: cid<DiskCid>(),
  snapshot: cid<SnapshotCid>(),
  network: cid<NetworkCid>(),
  disks: z.nullable(z.array(cid<DiskCid>())),
  sizeMb: z.int().check(z.positive()),
  /** Cloud properties, metadata, env: any hash; bosh sends null for an empty one now and then. */
  hash: z.pipe(
    z.nullable(z.record(z.string(), z.unknown())),
    z.transform((value) => (value ?? {}) as JsonObject),
  ),
  networks: z.pipe(
    z.record(
      z.string(),
      z.looseObject({
        type: z.optional(z.string()),
        ip: z.optional(z.nullable(z.string())),
        default: z.optional(z.nullable(z.array(z.string()))),
        cloud_properties: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
      }),
    ),
    z.transform((value) => value as Readonly<Record<string, NetworkSpec>>),
  ),
} as const;

/** Whether a text may be a CID of ours. Files and volumes are named after CIDs, so none has a slash. */
export function isCid(text: string): boolean {
  return /^[^/\0]+$/.test(text);
}

function cid<Cid extends string>() {
  return z.pipe(
    z.string().check(z.refine(isCid, 'not a CID')),
    z.transform((value) => value as Cid),
  );
}

type Shape<T> = z.core.$ZodType<T>;
export type ArgumentShapes = readonly Shape<unknown>[];
export type ArgumentsOf<Shapes extends ArgumentShapes> = {
  -readonly [K in keyof Shapes]: z.output<Shapes[K]>;
};

/**
 * Reads a method's arguments. `optional` is how many of the last may be left out; more arguments than known are ignored,
 * as a newer bosh may send them. Throws a CloudError that names the argument.
 */
export function parseArguments<Shapes extends ArgumentShapes>(
  method: string,
  shapes: Shapes,
  optional: number,
  values: readonly unknown[],
): ArgumentsOf<Shapes> {
  const needed = shapes.length - optional;
  if (values.length < needed) {
    throw new CloudError(
      'CpiError',
      `${method} takes ${optional > 0 ? 'at least ' : ''}${needed} arguments, got ${values.length}`,
    );
  }
  return shapes.map((shape, at) => {
    if (at >= values.length) return undefined;
    const parsed = z.safeParse(shape, values[at]);
    if (!parsed.success)
      throw new CloudError('CpiError', `${method}: argument ${at + 1}: ${issuesOf(parsed.error)}`);
    return parsed.data;
  }) as ArgumentsOf<Shapes>;
}

/** What is wrong with a value, one line: `path: reason; path: reason`. */
export function issuesOf(error: z.core.$ZodError): string {
  return error.issues.map((issue) => [...issue.path.map(String), issue.message].join(': ')).join('; ');
}

export const success = (result: JsonValue | undefined): CpiResponse => ({
  result: result ?? null,
  error: null,
  log: '',
});

export function failure(error: CloudError): CpiResponse {
  const message = [error.message, ...error.hints].join('\n');
  return {
    result: null,
    error: { type: `Bosh::Clouds::${error.type}`, message, ok_to_retry: error.okToRetry },
    log: '',
  };
}
