/**
 * What can go wrong, by who must act. The command base class turns `code` into an exit status and the CPI's dispatch
 * turns a CloudError into the wire form; nothing else looks at messages.
 */

/** Stable names of failures and the exit status of each (documented in docs/exit-codes.md). */
export const exitStatus = {
  BUG: 1,
  USAGE: 2,
  PREFLIGHT: 10,
  PERMISSION: 11,
  UNSUPPORTED: 12,
  NO_RESOURCES: 20,
  ADDRESS_CONFLICT: 23,
  DOWNLOAD: 30,
  CHECKSUM: 31,
  OFFLINE: 32,
  HYPERVISOR: 40,
  CREATE_ENV: 50,
  CPI: 51,
  AGENT_TIMEOUT: 52,
  DIRECTOR: 60,
  NO_ENVIRONMENT: 70,
  LOCKED: 71,
  STATE_DAMAGED: 72,
  TEMPORARY: 75,
  DECLINED: 80,
  INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof exitStatus;

export interface ErrorFacts {
  /** Lines that say what to do next, most useful first. */
  hints?: readonly string[];
  cause?: unknown;
}

/** Base of every error that boshvirt raises on purpose. */
export class BoshvirtError extends Error {
  override name = 'BoshvirtError';
  readonly code: ErrorCode;
  readonly hints: readonly string[];

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, 'cause' in facts ? { cause: facts.cause } : undefined);
    this.code = code;
    this.hints = facts.hints ?? [];
  }
}

/** The user can mend it: a flag, a missing program, an address in use. Shown without a stack. */
export class UserError extends BoshvirtError {
  override name = 'UserError';
}

/** Something that we called failed; `command` can be pasted into a shell. */
export class ToolError extends BoshvirtError {
  override name = 'ToolError';
  readonly command: string;
  readonly exitCode: number | undefined;
  readonly output: string;

  constructor(
    code: ErrorCode,
    message: string,
    facts: ErrorFacts & { command?: string; exitCode?: number | undefined; output?: string } = {},
  ) {
    super(code, message, facts);
    this.command = facts.command ?? '';
    this.exitCode = facts.exitCode;
    this.output = facts.output ?? '';
  }
}

/** An invariant of our own broke: shown with its stack and a request to report it. */
export class BugError extends BoshvirtError {
  override name = 'BugError';
  constructor(message: string, facts: ErrorFacts = {}) {
    super('BUG', message, facts);
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The message of an error followed by those of its causes, for logs and last resorts. */
export function messageChain(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && at !== null && parts.length < 8; ) {
    const text = messageOf(at);
    if (!parts.some((part) => part.includes(text))) parts.push(text);
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join(': ');
}

/** Node's errno code (`ENOENT`, …) of an error, if it has one. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
