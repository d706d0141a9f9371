/** What the audit log may know of a request: names and ids, and no value that anybody could have put a secret in. */
export interface CallFacts {
  readonly method: string;
  readonly director: string | undefined;
  readonly request: string | undefined;
  /** The first argument if it is an id or a size. */
  readonly first: string | number | undefined;
}

const methodName = /^[a-z_]{1,40}$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Ours: a word and hex digits. An agent's id is a UUID. */
const cid = /^[a-z]{2,8}-[0-9a-f]{8,20}$/;
/** `cpi-123456`, as the director numbers its requests. */
const requestId = /^cpi-[0-9]{1,12}$/;

/** Reads them off whatever came. */
export function callFacts(request: unknown): CallFacts {
  const { method, arguments: args, context } = fieldsOf(request);
  const { director_uuid: director, request_id: id } = fieldsOf(context);
  const first: unknown = Array.isArray(args) ? args[0] : undefined;
  return {
    method: oneOf([methodName], method) ?? '?',
    director: oneOf([uuid], director),
    request: oneOf([requestId], id),
    first: typeof first === 'number' ? first : oneOf([cid, uuid], first),
  };
}

const oneOf = (patterns: readonly RegExp[], value: unknown): string | undefined =>
  typeof value === 'string' && patterns.some((pattern) => pattern.test(value)) ? value : undefined;

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
