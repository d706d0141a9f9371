import * as z from 'zod/mini';
import type { Log } from '../platform/log.ts';
import { nearest } from '../platform/nearest.ts';
import { CloudError } from './errors.ts';

/** Reads cloud properties or a part of the configuration. Throws a CloudError that names each wrong key below `where`. */
export function parseProperties<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    (issue) => `${[where, ...issue.path.map(String)].join('.')}: ${issue.message}`,
  );
  throw new CloudError('CloudError', issues.join('; '));
}

/** Cloud properties that one backend knows and another does not must not stop a deployment; a slip is told as one. */
export function warnOfUnknown(
  what: string,
  properties: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  log: Log,
): void {
  const unknown = Object.keys(properties).filter((key) => !known.has(key));
  if (unknown.length === 0) return;
  const told = unknown.map((key) => {
    const meant = nearest(key, [...known]);
    return meant === undefined ? key : `${key} (did you mean ${meant}?)`;
  });
  log.warn(`${what} cloud_properties that this backend does not know are ignored: ${told.join(', ')}`);
}
