import { ToolError } from '../../platform/errors.ts';
import { type Call, wordsOf } from './call.ts';
import type { remoteError } from './procedures.ts';
import type { Decoded } from './xdr.ts';

/** libvirt's error numbers (virErrorNumber) that a caller may want to tell apart. */
export const libvirtErrors = {
  INTERNAL_ERROR: 1,
  NO_MEMORY: 2,
  NO_SUPPORT: 3,
  NO_CONNECT: 5,
  INVALID_ARG: 8,
  OPERATION_FAILED: 9,
  XML_ERROR: 27,
  OPERATION_DENIED: 29,
  XML_DETAIL: 35,
  SYSTEM_ERROR: 38,
  RPC: 39,
  NO_DOMAIN: 42,
  NO_NETWORK: 43,
  AUTH_FAILED: 45,
  NO_STORAGE_POOL: 49,
  NO_STORAGE_VOL: 50,
  OPERATION_INVALID: 55,
  CONFIG_UNSUPPORTED: 67,
  OPERATION_TIMEOUT: 68,
  NO_DOMAIN_SNAPSHOT: 72,
  ARGUMENT_UNSUPPORTED: 74,
  SNAPSHOT_REVERT_RISKY: 77,
  OPERATION_ABORTED: 78,
  AUTH_CANCELLED: 79,
  NO_DOMAIN_METADATA: 80,
  OPERATION_UNSUPPORTED: 84,
  AGENT_UNRESPONSIVE: 86,
  RESOURCE_BUSY: 87,
  ACCESS_DENIED: 88,
  STORAGE_VOL_EXIST: 90,
  XML_INVALID_SCHEMA: 92,
  AUTH_UNAVAILABLE: 94,
  DEVICE_MISSING: 99,
} as const;

/**
 * What libvirt answered. `libvirtCode` and `libvirtDomain` (the part of libvirt that speaks: virErrorDomain) are its own
 * numbers, `int1` is often an errno. `procedure` and `subject` say what was called on what; the message ends with them.
 */
export class LibvirtError extends ToolError {
  override name = 'LibvirtError';
  readonly libvirtCode: number;
  readonly libvirtDomain: number;
  readonly int1: number;
  readonly procedure: string;
  readonly subject: string | undefined;

  constructor(error: Decoded<typeof remoteError>, call: Call) {
    super('HYPERVISOR', `${error.message ?? `libvirt error ${error.code}`} (${wordsOf(call)})`);
    this.libvirtCode = error.code;
    this.libvirtDomain = error.domain;
    this.int1 = error.int1;
    this.procedure = call.procedure;
    this.subject = call.subject;
  }

  /** true if libvirt's code is one of these (see `libvirtErrors`). */
  is(...codes: readonly number[]): boolean {
    return codes.includes(this.libvirtCode);
  }
}

/** The connection ended or could not be made; what was under way may or may not have happened. */
export class ConnectionLostError extends ToolError {
  override name = 'ConnectionLostError';
  constructor(message: string, facts: { cause?: unknown; hints?: readonly string[] } = {}) {
    super('HYPERVISOR', message, facts);
  }
}

/** The peer broke the protocol: it is no libvirt, or one that speaks another version. */
export class ProtocolError extends ToolError {
  override name = 'ProtocolError';
  constructor(message: string, facts: { cause?: unknown } = {}) {
    super('HYPERVISOR', message, facts);
  }
}

/** No answer in time; the daemon may still carry out what was asked. */
export class CallTimeoutError extends ToolError {
  override name = 'CallTimeoutError';
  constructor(message: string, hints: readonly string[] = ['look at the daemon: it may be busy or hang']) {
    super('HYPERVISOR', message, { hints });
  }
}
