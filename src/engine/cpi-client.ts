import { appendFile } from 'node:fs/promises';
import { ToolError } from '../platform/errors.ts';
import { redactor } from '../platform/log.ts';
import { parseJson } from '../platform/parse-json.ts';
import { run } from '../platform/process.ts';
import type { JsonValue } from './engine.ts';

/** The CPI's own error: `type` as on the wire (`Bosh::Clouds::VMNotFound`). */
export class CpiCallError extends ToolError {
  override name = 'CpiCallError';
  readonly type: string;
  readonly okToRetry: boolean;

  constructor(method: string, error: WireError) {
    const isFull = error.type === 'Bosh::Clouds::NoDiskSpace';
    super(isFull ? 'NO_RESOURCES' : 'CPI', `The CPI failed at ${method}: ${error.message}`, {
      hints: isFull ? ['free space where the storage pool lies, or use a larger file system'] : [],
    });
    this.type = error.type;
    this.okToRetry = error.ok_to_retry === true;
  }
}

export interface CpiClientOptions {
  /** The argv that starts the CPI. */
  readonly command: readonly string[];
  readonly directorUuid: string;
  readonly stemcellApiVersion: number;
  /** What the CPI says on stderr is appended here. */
  readonly logPath: string;
  /** Values that must not reach the log. */
  readonly secrets: readonly string[];
  /** Keeps further calls from beginning; one that is under way comes to its end, so that what it made is known. */
  readonly signal: AbortSignal;
  /** An open file that each call inherits (EngineContext.lockDescriptor). */
  readonly lockDescriptor?: number | undefined;
}

interface WireError {
  readonly type: string;
  readonly message: string;
  readonly ok_to_retry?: boolean;
}

interface CpiAnswer {
  readonly result: JsonValue;
  readonly error?: WireError | null;
}

const timeoutMs = 30 * 60_000;
/** The version that the bosh CLI speaks (contract 1.2). */
const apiVersion = 2;

/** Calls a CPI as bosh does: one process per call, the request on stdin, one JSON line on stdout (contract 1.1). */
export class CpiClient {
  readonly #options: CpiClientOptions;
  readonly #hide: (text: string) => string;

  constructor(options: CpiClientOptions) {
    this.#options = options;
    this.#hide = redactor(options.secrets);
  }

  /** Throws a CpiCallError for the CPI's own errors, a ToolError for anything that is no answer. */
  async call(method: string, args: readonly JsonValue[]): Promise<JsonValue> {
    const { directorUuid, stemcellApiVersion } = this.#options;
    const context = { director_uuid: directorUuid, vm: { stemcell: { api_version: stemcellApiVersion } } };
    const request = JSON.stringify({ method, arguments: args, context, api_version: apiVersion });
    const started = performance.now();
    const { error, result } = await this.#ask(method, request);
    const took = Math.round(performance.now() - started);
    await this.#note(`cpi ${method} (${took} ms): ${error ? `${error.type}: ${error.message}` : 'ok'}`);
    if (error) throw new CpiCallError(method, error);
    return result;
  }

  async #ask(method: string, input: string): Promise<CpiAnswer> {
    const { command, signal, lockDescriptor } = this.#options;
    signal.throwIfAborted();
    try {
      const { stdout, stderr } = await run(command as [string, ...string[]], {
        input,
        timeoutMs,
        failure: 'CPI',
        ownGroup: true,
        descriptors: lockDescriptor === undefined ? [] : [lockDescriptor],
      });
      await this.#append(stderr);
      return answerIn(stdout, method);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      await this.#append(error.output);
      await this.#note(`cpi ${method}: ${error.message}`);
      // what the program said may quote the request
      throw new ToolError(error.code, this.#hide(error.message), {
        command: error.command,
        exitCode: error.exitCode,
        output: this.#hide(error.output),
        hints: [`the CPI's log is ${this.#options.logPath}`],
      });
    }
  }

  async #note(line: string): Promise<void> {
    await this.#append(`${new Date().toISOString()} ${line}\n`);
  }

  async #append(text: string): Promise<void> {
    if (text !== '') await appendFile(this.#options.logPath, this.#hide(text), { mode: 0o600 });
  }
}

function answerIn(stdout: string, method: string): CpiAnswer {
  const answer = parseJson(stdout);
  if (isAnswer(answer)) return answer;
  throw new ToolError(
    'CPI',
    `The CPI did not answer ${method} with one JSON value but with: ${start(stdout)}`,
  );
}

const start = (text: string): string => (text === '' ? 'nothing' : text.slice(0, 300));

function isAnswer(value: unknown): value is CpiAnswer {
  if (typeof value !== 'object' || value === null || !('result' in value)) return false;
  const error = 'error' in value ? value.error : null;
  if (error === null || error === undefined) return true;
  return typeof error === 'object' && 'type' in error && 'message' in error;
}
