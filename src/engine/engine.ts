/**
 * The contract of an engine: what carries out create-env and delete-env. Both engines read the same plain BOSH inputs and
 * keep the same state file, so that either may take over from the other (contract 6.4).
 */
import type { Duplex } from 'node:stream';
import type { Log } from '../platform/log.ts';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** The inputs of `bosh create-env`, by the names it gives them. */
export interface DeploySource {
  readonly manifestPath: string;
  readonly opsFiles: readonly string[];
  /** `--var` values. Some may be secrets: they never go into an argv, and to bosh in a file that is 0600. */
  readonly vars: Readonly<Record<string, JsonValue>>;
  readonly varsFiles: readonly string[];
  readonly statePath: string;
  readonly varsStorePath: string;
}

/** How this process reaches a guest: directly, or through the network namespace of a private host. */
export interface GuestRoad {
  /** Opens a TCP connection to a guest; throws a ToolError after `timeoutMs`. */
  dial(host: string, port: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Duplex>;
  /** Words to put before a command which talks to a guest (`nsenter --net=...`); empty on an ordinary host. */
  readonly commandPrefix: readonly string[];
}

export interface EngineContext {
  readonly log: Log;
  readonly signal: AbortSignal;
  /** A folder of this environment, 0700: HOME of bosh, rendered CPI configuration, temporary files. */
  readonly workDir: string;
  /** The full output of the engine is appended here, 0600. */
  readonly logPath: string;
  /** The argv that starts this boshvirt, e.g. ["/opt/boshvirt/bin/boshvirt"]; the CPI is this plus `cpi`. */
  readonly boshvirtCommand: readonly string[];
  readonly road: GuestRoad;
  /**
   * An open file which every process that makes or deletes something inherits: it carries the environment's lock, so that
   * nobody begins while a call of a killed run is still under way.
   */
  readonly lockDescriptor?: number | undefined;
  /** One short line for the person who waits: "Creating VM ...". */
  onProgress(line: string): void;
}

export interface CreateEnvOptions {
  readonly recreate?: boolean;
}

export interface Engine {
  readonly name: 'bosh-cli' | 'builtin';
  /** `changed: false` when the deployment was already as asked. Throws ToolError with what failed and where the log is. */
  createEnv(
    source: DeploySource,
    context: EngineContext,
    options?: CreateEnvOptions,
  ): Promise<{ changed: boolean }>;
  /** Idempotent: nothing deployed is success. */
  deleteEnv(source: DeploySource, context: EngineContext): Promise<void>;
}
